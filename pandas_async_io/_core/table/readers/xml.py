"""XML → the objects that JSON would have; with the options of `pandas.read_xml`, a frame."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.body.xml.parse import import_lxml, parse_xml, strip_declaration
from pandas_async_io._core.table.readers.pandas_reader import NoNodesError, read_with_pandas

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_TAG = re.compile(r"<[^>]*>")


def read_xml(text: str, options: Mapping[str, Any], text_columns: Collection[str] = ()) -> Any:
    """Read XML; None if it holds no record. With options it is a frame.

    lxml, which knows all of XPath, reads it where it is installed. A document type is refused.

    Parameters
    ----------
    text : str
        The body; the encoding in its declaration is ignored.
    options : mapping
        Of `pandas.read_xml`.
    text_columns : collection of str
        As in `read_csv`; without options all are text.

    Examples
    --------
    >>> read_xml("<users><user><id>1</id></user></users>", {})
    {'user': [{'id': '1'}]}
    >>> read_xml("<users><user><id>1</id></user></users>", {"xpath": ".//user"}).to_dict("list")
    {'id': [1]}
    """
    if not options:
        return parse_xml(text)
    body = strip_declaration(text)
    parser = "etree" if import_lxml() is None else "lxml"
    try:
        return read_with_pandas(pd.read_xml, body, {"parser": parser, **options}, text_columns)
    except NoNodesError:
        if "xpath" in options or _TAG.sub("", body).strip():
            raise
        return None
