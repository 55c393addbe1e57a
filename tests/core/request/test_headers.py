"""Headers checked and merged."""

import pytest

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.request.headers import check_headers, merge_headers
from pandas_async_io._core.security.unsafe_values import is_forbidden_header


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("X-A", "a\tb é", False),
        ("X-A", "a\r\nb", True),
        ("X-A", "\0", True),
        ("X A", "a", True),
        ("X:", "a", True),
        ("", "a", True),
    ],
)
def test_security_s15_a_header_cannot_add_another_header(name, value, expected):
    """A name is a token, and a value holds no control characters."""
    assert is_forbidden_header(name, value) is expected
    if expected:
        with pytest.raises(PlanError, match="token"):
            check_headers({name: value})
    else:
        assert check_headers({name: value}) == {name: value}


def test_the_last_value_of_a_header_wins_in_any_case():
    """A name in another case is the same header."""
    assert merge_headers({"Accept": "a", "X": "1"}, {"ACCEPT": "b"}, {}) == {"X": "1", "ACCEPT": "b"}
