"""What XML is as a payload: objects, lists and texts, as of JSON, and where its records are."""

from __future__ import annotations

from typing import Any


class XmlText(str):
    """A text or an attribute of XML: whether it is a number is decided by its whole column."""

    __slots__ = ()


class XmlDocument(dict[str, Any]):
    """The content of a root element.

    Attributes
    ----------
    record_path : tuple of str or None
        The keys down to the records, without a ``record_path``; None: the document is one record.
    """

    record_path: tuple[str, ...] | None = None


def plain_value(value: Any) -> Any:
    """Return a nested value with texts of Python's own type.

    Examples
    --------
    >>> type(plain_value([{"a": XmlText("1")}])[0]["a"])
    <class 'str'>
    """
    if isinstance(value, XmlText):
        return str(value)
    if isinstance(value, dict):
        return {key: plain_value(inner) for key, inner in value.items()}
    return [plain_value(inner) for inner in value] if isinstance(value, list) else value
