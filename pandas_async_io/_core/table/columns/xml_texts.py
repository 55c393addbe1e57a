"""Texts of XML → numbers and booleans, where a whole column has them.

XML has only texts. A column is numbers if each of its texts is one; a leading zero or plus sign (``007``, ``+49``)
makes it text, because the number would be another value. ``NaN``, ``NA`` and what else `pandas.read_csv` takes for
missing is missing beside numbers and booleans, and text beside texts.
"""

from __future__ import annotations

import re
from itertools import chain, compress
from typing import TYPE_CHECKING, Any

import numpy as np

from pandas_async_io._core.body.xml.document import XmlText, plain_value
from pandas_async_io._core.table.columns.blocks import NULL, Block, Chunk, make_chunk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_KIND = XmlText.__name__
_MISSING = frozenset(
    [
        *("NA", "N/A", "n/a", "#N/A", "#N/A N/A", "#NA", "<NA>", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None"),
        *("1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
    ]
)
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = r"-?(?:0|[1-9][0-9]{0,4000})"
_FLOAT = (
    r"-?(?:(?:0|[1-9][0-9]{0,4000})(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]{1,9})?|[+-]?(?:inf|INF|Infinity|infinity)"
)
_IS_INTEGER = re.compile(_INTEGER)
_ALL_NUMBERS = re.compile(rf"(?:\s*+(?:{_FLOAT})\s*+\0)++")
_MAY_BE_TYPED = re.compile(r"\s*[-+]?(?:[0-9.]|[iI][nN][fF]|[tT][rR]|[fF][aA])")


def hold_xml_texts(block: Block) -> bool:
    """Whether a column of a block has texts of XML."""
    return any(_KIND in chunk.kinds for chunk in chain(block.columns.values(), block.meta.values()))


def type_xml_texts(chunks: Sequence[Chunk | None], *, stay_text: bool) -> list[Chunk | None]:
    """Return the chunks of a column with numbers, booleans or Python's own texts in place of the texts of XML.

    Parameters
    ----------
    stay_text : bool
        Convert nothing.

    Examples
    --------
    >>> chunk = make_chunk([XmlText("7"), XmlText("NA"), XmlText("-1")], {XmlText})
    >>> typed, = type_xml_texts([chunk], stay_text=False)
    >>> typed.cells, typed.state.tolist()
    (array([ 7, -1]), [0, 1, 0])
    >>> type_xml_texts([make_chunk([XmlText("007")], {XmlText})], stay_text=False)[0].cells.tolist()
    ['007']
    """
    kinds = frozenset[str]().union(*(chunk.kinds for chunk in chunks if chunk is not None))
    convert = None
    if _KIND in kinds and not stay_text and not kinds & {"str", "list", "dict"}:
        cells = chain.from_iterable(chunk.cells.tolist() for chunk in chunks if chunk is not None)
        convert = _choose_conversion([cell for cell in cells if type(cell) is XmlText])
    return [None if chunk is None else _convert_chunk(chunk, convert) for chunk in chunks]


def _choose_conversion(texts: list[XmlText]) -> Callable[[str], Any] | None:
    """Return what makes values of all texts of a column, None if they are texts."""
    first = next((text for text in texts if text.strip() not in _MISSING), None)
    if first is None or _MAY_BE_TYPED.match(first) is None:
        return None
    if first.strip() in _BOOLEANS:
        return _read_boolean if all(each in _BOOLEANS or each in _MISSING for each in map(str.strip, texts)) else None
    joined = "\0".join([*texts, ""])
    if _ALL_NUMBERS.fullmatch(joined) is None:
        numbers = [text for text in texts if text.strip() not in _MISSING]
        if len(numbers) == len(texts) or _ALL_NUMBERS.fullmatch("\0".join([*numbers, ""])) is None:
            return None
    return _read_number


def _read_boolean(text: str) -> bool:
    return _BOOLEANS[text.strip()]


def _read_number(text: str) -> int | float:
    return int(text) if _IS_INTEGER.fullmatch(text.strip()) else float(text)


def _convert_chunk(chunk: Chunk, convert: Callable[[str], Any] | None) -> Chunk:
    if not chunk.kinds & {_KIND, "list", "dict"}:
        return chunk
    cells, state = chunk.cells.tolist(), chunk.state
    if convert is None:
        cells = list(map(str, cells)) if chunk.kinds == {_KIND} else list(map(plain_value, cells))
        return make_chunk(cells, set(map(type, cells)), state)
    gaps = [isinstance(cell, str) and cell.strip() in _MISSING for cell in cells]
    if any(gaps):
        state = np.zeros(len(cells), np.uint8) if state is None else state.copy()
        state[np.flatnonzero(state == 0)[np.array(gaps)]] = NULL
        cells = list(compress(cells, [not gap for gap in gaps]))
    values = [convert(cell) if isinstance(cell, str) else cell for cell in cells]
    return make_chunk(values, set(map(type, values)), state)
