"""The types of a schema."""

from __future__ import annotations

import pytest

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.table.records.shape import compile_shape
from pandas_async_io._core.table.types.schema import compile_schema, text_columns


@pytest.mark.parametrize(
    ("schema", "columns", "words"),
    [
        ({"a": "int63"}, None, "schema\\['a'\\]='int63' is not a type"),
        ({"a": "timedelta64[ns]"}, None, "known are"),
        ({"a": "datetime64[D]"}, None, "known are"),
        ({"a": "list<nothing>"}, None, "'nothing'"),
        ({"a": 5}, None, "not a type"),
        ({5: "int64"}, None, "mapping of column names"),
        (["a"], None, "mapping of column names"),
        ({"a": "int64"}, ["b"], "names 'a', which columns= does not select"),
    ],
)
def test_an_invalid_schema_raises_a_plan_error(schema, columns, words):
    """It is a programming error, not the failure of a row."""
    with pytest.raises(PlanError, match=words):
        compile_schema(schema, compile_shape(columns=columns).columns)


def test_string_columns_stay_text_under_their_name_in_the_body():
    """A reader of CSV or XML must not convert them."""
    assert text_columns(compile_schema({"key": str, "n": int}), {"id": "key", "n": "n"}) == ["id"]
