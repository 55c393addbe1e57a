"""XML → frame: the children of the root are records."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.table.readers.pandas_reader import NoNodesError, read_with_pandas

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
_DOCTYPE = re.compile(r"(?:\s++|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


def read_xml(text: str, options: Mapping[str, Any], text_columns: Collection[str] = ()) -> pd.DataFrame | None:
    """Read XML; None if it holds no record.

    A document type is refused: it may define entities that grow, or that name files.

    Parameters
    ----------
    text : str
        The body; the encoding in its declaration is ignored.
    options : mapping
        Of `pandas.read_xml`.
    text_columns : collection of str
        As in `read_csv`.

    Examples
    --------
    >>> read_xml("<users><user><id>1</id></user></users>", {}).to_dict("list")
    {'id': [1]}
    """
    body = _DECLARATION.sub("", text, count=1)
    if _DOCTYPE.match(body):
        raise ParseError("the XML has a document type, which may define entities and is not read")
    try:
        return read_with_pandas(pd.read_xml, body, {"parser": "etree", **options}, text_columns)
    except NoNodesError:
        if "xpath" in options or _TAG.sub("", body).strip():
            raise
        return None
