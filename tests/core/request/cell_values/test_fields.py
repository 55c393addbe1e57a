"""Which column a field names."""

import pandas as pd
import pytest

from pandas_async_io._core.errors import UnknownFieldError
from pandas_async_io._core.request.cell_values.fields import find_column


def test_a_field_is_a_column_or_an_index_level():
    """A label is matched by its text, a tuple by its levels joined with dots. A column comes before a level."""
    frame = pd.DataFrame(
        [[1, 2, 3]],
        columns=pd.MultiIndex.from_tuples([("id", ""), ("geo", "lat"), (7, "")]),
        index=pd.MultiIndex.from_tuples([(4, 5)], names=["level", "id"]),
    )
    assert [find_column(frame, name)[0] for name in ("id", "geo.lat", "7", "level")] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("frame", "name", "message"),
    [
        (pd.DataFrame({"User ID": [1], "b": [2]}), "user id", r"nearest: \{User ID\}"),
        (pd.DataFrame({"a": [1]}, index=pd.Index([1], name="account")), "acount", r"nearest: \{account\}"),
        (pd.DataFrame(), "a", "the frame has no columns"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "a", "2 columns have this name"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), "1", "2 columns have this name"),
        (
            pd.DataFrame({"x": [1]}, index=pd.MultiIndex.from_tuples([(1, 2)], names=["k", "k"])),
            "k",
            "2 index levels have this name",
        ),
    ],
)
def test_fault_57_an_unknown_field_names_the_nearest(frame, name, message):
    """The message spells it as a template needs it."""
    with pytest.raises(UnknownFieldError, match=message):
        find_column(frame, name)
