"""Signs in a body that its data are not what they seem, although it can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pandas_async_io._core.body.charset import decode_text
from pandas_async_io._core.body.coding.content_coding import is_coded
from pandas_async_io._core.body.content_type import parse_content_type
from pandas_async_io._core.body.duplicate_keys import find_duplicate_key, may_have_duplicate_keys
from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.security.secrets import redact_line

if TYPE_CHECKING:
    from pandas_async_io._core.models import Response

SAMPLED_BODIES = 20
"""JSON bodies of a call that are looked at for duplicate keys."""

_LINE_ENDS = (b"\n", b"\r")
_MAX_KEY_CHARACTERS = 40
_DELIMITERS = (";", "\t", "|", ",")


def describe_line_end(response: Response) -> list[str]:
    r"""Return what is suspicious about the end of a body of lines.

    Without ``Content-Length`` and chunks, the end of the connection is the end of the body (RFC 9112, 6.3): a
    connection that is lost looks the same. A coded body tells its own end.

    Examples
    --------
    >>> from pandas_async_io._core.models import Response
    >>> describe_line_end(Response(200, {}, b"a,b\n1,2\n3", ""))
    ['the last line of a body without an announced length has no line break: its end may be missing']
    >>> describe_line_end(Response(200, {"Content-Length": "9"}, b"a,b\n1,2\n3", ""))
    []
    """
    if response.body.rstrip(b"\x00").endswith(_LINE_ENDS):  # UTF-16 ends in a zero
        return []
    if response.header("Content-Length") is not None or response.header("Transfer-Encoding") is not None:
        return []
    if is_coded(response.header("Content-Encoding")):
        return []
    return ["the last line of a body without an announced length has no line break: its end may be missing"]


def describe_charset(unknown: str) -> str:
    """Return what to say about a charset that the header names and Python does not know.

    Examples
    --------
    >>> describe_charset("foo")
    "Content-Type names the unknown charset 'foo': read as utf-8 or by a byte order mark; encoding= names another"
    """
    name = redact_line(repr(unknown[:_MAX_KEY_CHARACTERS]))
    return (
        f"Content-Type names the unknown charset {name}: read as utf-8 or by a byte order mark; encoding= names another"
    )


def describe_delimiter(table: Any) -> list[str]:
    """Return what is suspicious about a table with one column: its name holds another delimiter. None is no table.

    Examples
    --------
    >>> import pandas as pd
    >>> describe_delimiter(pd.DataFrame({"id;name": ["1;a"]}))
    ["the table has one column, 'id;name': if ';' is its delimiter, pass read_options={'sep': ';'}"]
    >>> describe_delimiter(pd.DataFrame({"id": [1], "a;b": [2]}))
    []
    """
    names = [] if table is None else list(table.columns)
    delimiter = next((each for each in _DELIMITERS if each in str(names[0])), None) if len(names) == 1 else None
    if delimiter is None:
        return []
    name = redact_line(repr(str(names[0])[:_MAX_KEY_CHARACTERS]))
    remedy = f"pass read_options={{'sep': {delimiter!r}}}"
    return [f"the table has one column, {name}: if {delimiter!r} is its delimiter, {remedy}"]


class DuplicateKeySample:
    """Looks for duplicate keys in the first JSON bodies of a call.

    An API that repeats a key does so in each answer, so a few bodies show it; all of them would cost a tenth of their
    parsing.
    """

    __slots__ = ("bodies_left",)

    def __init__(self, bodies: int = SAMPLED_BODIES) -> None:
        self.bodies_left = bodies

    def describe(self, response: Response, payload: Any) -> list[str]:
        """Return a hint if a body holds a key twice; after the first hint, no body is examined."""
        self.bodies_left -= 1
        if not isinstance(payload, dict | list) or not may_have_duplicate_keys(response.body, payload):
            return []
        content_type = parse_content_type(response.header("Content-Type") or "", response.encoding)
        try:
            name = find_duplicate_key(decode_text(response.body, content_type.charset))
        except (ParseError, ValueError, RecursionError):  # no JSON document: NDJSON, or the records of another format
            return []
        if name is None:
            return []
        self.bodies_left = 0
        shown = redact_line(repr(name[:_MAX_KEY_CHARACTERS]))
        return [f"an object of the JSON has the key {shown} twice: the last counts (strict_json refuses such bodies)"]
