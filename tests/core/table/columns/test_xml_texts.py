"""Texts of XML become numbers where a whole column has them, and no text becomes another value."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.body.xml.document import XmlText
from pandas_async_io._core.body.xml.parse import parse_xml
from pandas_async_io._core.table.columns.columns import concat_blocks
from pandas_async_io._core.table.columns.flatten import flatten
from pandas_async_io._core.table.records.shape import Shape

STRING = pd.Series(["a"]).dtype


def column(texts, *, nullable=False, text_columns=(), payload=dict):
    """Return the column of records with one text each, None for an empty element."""
    records = [payload(a=None if text is None else XmlText(text)) for text in texts]
    columns = concat_blocks([flatten(records, Shape())], nullable=nullable, text_columns=text_columns)
    return pd.Series(columns.arrays["a"])


@pytest.mark.parametrize(
    ("texts", "cells", "dtype"),
    [
        (["1", "-2", " 3\n"], [1, -2, 3], "int64"),
        (["1", None], [1, None], "Int64"),
        (["18446744073709551615", "0"], [2**64 - 1, 0], "uint64"),
        (["18446744073709551616", "0"], [2**64, 0], "object"),
        (["1.5", "2", ".5", "-1e3"], [1.5, 2.0, 0.5, -1000.0], "float64"),
        (["9007199254740993", "0.5"], [2**53 + 1, 0.5], "object"),
        (["INF", "-INF", "1"], [np.inf, -np.inf, 1.0], "float64"),
        (["NaN", "1.5"], [None, 1.5], "float64"),
        (["N/A", "1"], [None, 1], "Int64"),
        (["true", "False"], [True, False], "bool"),
        (["true", "NA"], [True, None], "boolean"),
        (["007", "12"], ["007", "12"], STRING),
        (["+49", "12"], ["+49", "12"], STRING),
        (["1_000", "1"], ["1_000", "1"], STRING),
        (["\u0661", "1"], ["\u0661", "1"], STRING),
        (["1", "x"], ["1", "x"], STRING),
        (["NA", "DE"], ["NA", "DE"], STRING),
        (["true", "0"], ["true", "0"], STRING),
        (["9" * 5000, "1"], ["9" * 5000, "1"], STRING),
        ([" a ", "b"], [" a ", "b"], STRING),
    ],
)
def test_a_column_of_texts_is_numbers_if_all_of_them_are(texts, cells, dtype):
    """An id with a leading zero, or a telephone number, keeps its column text."""
    found = column(texts)
    assert found.dtype == dtype
    assert [None if pd.isna(cell) else cell for cell in found.tolist()] == cells


def test_a_typed_schema_column_stays_text():
    """For the schema to convert: 1.10 is a version."""
    assert column(["1.10", "1.9"], text_columns=["a"]).tolist() == ["1.10", "1.9"]


def test_the_type_does_not_depend_on_the_block():
    """A text in the last block makes the first ones text, too."""
    blocks = [flatten([{"a": XmlText(text)}], Shape()) for text in ("1", "2", "x")]
    assert concat_blocks(blocks, nullable=False).arrays["a"].tolist() == ["1", "2", "x"]


def test_cells_of_lists_and_objects_are_of_pythons_own_types():
    """Their texts stay texts."""
    payload = parse_xml("<r><i><t>1</t><t>2</t><n>1</n></i><i><t>3</t><n>2</n></i></r>")
    arrays = concat_blocks([flatten([payload], Shape())], nullable=False).arrays
    assert arrays["t"].tolist() == [["1", "2"], ["3"]]
    assert type(arrays["t"][0][0]) is str
    assert arrays["n"].tolist() == [1, 2]


def test_texts_beside_values_of_json_keep_both():
    """One API may answer in both."""
    blocks = [flatten([{"a": 1}], Shape()), flatten([{"a": XmlText("2")}], Shape()), flatten([{"b": 1}], Shape())]
    assert pd.Series(concat_blocks(blocks, nullable=True).arrays["a"]).tolist() == [1, 2, pd.NA]


CELLS = st.one_of(
    st.lists(st.integers(-(2**63) + 1, 2**63 - 1).map(str), min_size=3, max_size=3),
    st.lists(st.floats(allow_nan=False, allow_infinity=False).map(repr), min_size=3, max_size=3),
    st.lists(st.sampled_from(["true", "false"]), min_size=3, max_size=3),
    st.lists(st.text("abcxyz é", min_size=1, max_size=6).map("x".__add__), min_size=3, max_size=3),
    st.lists(st.integers(0, 9).map(str) | st.just(""), min_size=3, max_size=3),
)


@pytest.mark.parametrize("as_attributes", [False, True], ids=["elements", "attributes"])
@given(columns=st.lists(CELLS, min_size=1, max_size=3))
def test_flat_xml_is_what_pandas_read_xml_makes_of_it(as_attributes, columns):
    """The same columns, cells and dtypes."""
    rows = zip(["k"] * 3, *columns, strict=True)  # a record without a value is none for pandas
    if as_attributes:
        records = ["<u " + " ".join(f'c{n}="{cell}"' for n, cell in enumerate(row)) + "/>" for row in rows]
    else:
        records = ["<u>" + "".join(f"<c{n}>{cell}</c{n}>" for n, cell in enumerate(row)) + "</u>" for row in rows]
    text = f"<us>{''.join(records)}</us>"
    expected = pd.read_xml(io.StringIO(text), parser="etree", dtype_backend="numpy_nullable")
    arrays = concat_blocks([flatten([parse_xml(text)], Shape())], nullable=True).arrays
    for name in expected:
        mine = pd.Series(arrays[name])
        theirs = [None if pd.isna(cell) else cell for cell in expected[name].tolist()]
        if any(cell is not None for cell in theirs):
            assert mine.dtype.kind == expected[name].dtype.kind
        found = [None if pd.isna(cell) else cell for cell in mine.tolist()]
        if any(isinstance(cell, float) for cell in theirs):  # pandas before 3.1 rounds the last digit
            assert found == pytest.approx(theirs, rel=1e-12)
        else:
            assert found == theirs
