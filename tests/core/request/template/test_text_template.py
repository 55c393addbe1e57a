"""Texts with fields."""

import pytest

from pandas_async_io._core.request.template.text_template import FieldReference, TextTemplate


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("{a}", (FieldReference("a"),)),
        ("Bearer {a.b} x", ("Bearer ", FieldReference("a.b"), " x")),
        ("{User%20ID}", (FieldReference("User ID"),)),
        ("{{a}}", ("{a}",)),
        ("{{{a}}}", ("{", "{a}", "}")),
        ("{a b} {} {a!r} {0.__class__}x{a:>9}", ("{a b} {} {a!r} ", FieldReference("0.__class__"), "x{a:>9}")),
        ('{"a": {"b": 1}}', ('{"a": {"b": 1}}',)),
        ("", ()),
    ],
)
def test_security_s19_only_a_legal_name_in_braces_is_a_field(written, parts):
    """Nothing in a text is formatted, evaluated or an error. Every other brace is text."""
    compiled = TextTemplate.compile(written)
    assert "".join(map(str, compiled.parts)) == "".join(map(str, parts))
    assert compiled.fields == tuple(part.name for part in parts if isinstance(part, FieldReference))
