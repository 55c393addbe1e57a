"""Error messages from a server or from a user's function, as one short line without secrets."""

from __future__ import annotations

import html
import re
import traceback
from http import HTTPStatus
from itertools import dropwhile
from typing import TYPE_CHECKING, Any

import orjson

from pandas_async_io._core.security.secrets import MAX_MESSAGE_CHARACTERS, redact_line

if TYPE_CHECKING:
    from pandas_async_io._core.models import Response

_MESSAGE_KEYS = (
    "message",
    "error_description",
    "error",
    "detail",
    "title",
    "description",
    "reason",
    "msg",
    "errors",
    "faultstring",
)

_ERROR_KEYS = frozenset({"error", "errors", "fault", "exception", "error_message", "errormessage"})
"""Keys that an object has if it is an error."""

_TITLE = re.compile(r"<title[^>]*>([^<]{1,300})", re.IGNORECASE)
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_HTML_START = 1_000
"""Characters among which a page's first element is, after comments."""

_XML_MESSAGE_NAMES = ("faultstring", "text", *_MESSAGE_KEYS)
"""Elements of a SOAP fault (1.1: faultstring; 1.2: Reason/Text), then those of other XML."""

_XML_ELEMENT = re.compile(
    r"<(?:[\w.-]+:)?([\w.-]+)(?:\s[^<>]*)?>(?:\s*<!\[CDATA\[(.{1,2000}?)\]\]>\s*|([^<]+))</", re.DOTALL
)
_DIRECTORY = re.compile(r".*[/\\]")
_MAX_FRAMES = 3
"""Frames of a traceback that a message names."""

_EXCEPTIONS_THAT_END_THE_RUN = (KeyboardInterrupt, SystemExit)
"""What a user's function may raise to end the run. Anything else fails one row, also asyncio's CancelledError: a
function that awaits nothing is never cancelled."""


def find_message(value: Any, depth: int = 8) -> str:
    """Return the message in a decoded error, "" if there is none (RFC 9457 calls it detail and title).

    Examples
    --------
    >>> find_message({"error": {"code": 7, "message": "no user 5000"}})
    'no user 5000'
    >>> find_message({"errors": [{"detail": "quota exceeded"}]})
    'quota exceeded'
    """
    if isinstance(value, str):
        return value.strip()
    if not (isinstance(value, list | dict) and depth):
        return ""
    if isinstance(value, list):
        return next(filter(None, (find_message(inner, depth - 1) for inner in value[:3])), "")
    folded = {str(key).lower(): inner for key, inner in value.items()}
    return next(filter(None, (find_message(folded.get(key), depth - 1) for key in _MESSAGE_KEYS)), "")


def find_error_message(payload: Any) -> str:
    """Return the message of an object that calls itself an error, "" if it does not.

    Examples
    --------
    >>> find_error_message({"error": {"code": 7, "message": "quota exceeded"}}), find_error_message({"errors": []})
    ('quota exceeded', '')
    """
    if not isinstance(payload, dict):
        return ""
    errors = (value for key, value in payload.items() if str(key).lower() in _ERROR_KEYS and value)
    error = next(errors, None)
    if error is None:
        return ""
    return redact_line(find_message(error) or find_message(payload) or str(error))


def find_html_title(text: str) -> str:
    """Return the title of an HTML page, "" if there is none.

    Examples
    --------
    >>> find_html_title("<html><title>Sign in &amp; go</title>")
    'Sign in & go'
    """
    title = _TITLE.search(text)
    return html.unescape(title[1]).strip() if title else ""


def find_xml_message(text: str) -> str:
    """Return the message in an XML error, as a SOAP fault, "" if there is none; of an HTML page its title.

    It is read without a parser: an error's XML may be cut or broken, and its entities must not be expanded.

    Examples
    --------
    >>> find_xml_message("<s:Fault><faultcode>s:Client</faultcode><faultstring>no id &lt;7&gt;</faultstring></s:Fault>")
    'no id <7>'
    >>> find_xml_message("<Error><Code>NoSuchKey</Code><Message>no key 'a'</Message></Error>")
    "no key 'a'"
    """
    if _HTML.search(text[:_HTML_START]):
        return find_html_title(text)
    found: dict[str, str] = {}
    for name, section, content in _XML_ELEMENT.findall(text):
        message = (section or html.unescape(content)).strip()
        if message:
            found.setdefault(name.lower(), message)
    return next((found[name] for name in _XML_MESSAGE_NAMES if name in found), "") or find_html_title(text)


def extract_message(response: Response) -> str:
    """Return the message in the body of an error response, "" if there is none.

    Examples
    --------
    >>> from pandas_async_io._core.models import Response
    >>> extract_message(Response(404, {}, b'{"detail": "no user 5000"}', ""))
    'no user 5000'
    >>> extract_message(Response(502, {}, b"<html><head><title>Bad gateway</title>", ""))
    'Bad gateway'
    >>> extract_message(Response(500, {}, b"<Fault><faultstring>no user 5000</faultstring></Fault>", ""))
    'no user 5000'
    """
    body = response.body
    if not body or len(body) > MAX_MESSAGE_CHARACTERS or b"\0" in body:
        return ""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        text = body.decode(errors="replace").strip()
        return redact_line(find_xml_message(text) if text.startswith("<") else text)
    return redact_line(find_message(value) or (body.decode(errors="replace") if value else ""))


def describe_http_error(response: Response) -> str:
    """Describe an error response: status, phrase and the server's message, unless that repeats the status.

    Examples
    --------
    >>> from pandas_async_io._core.models import Response
    >>> describe_http_error(Response(404, {}, b'{"detail": "no user 5000"}', ""))
    'HTTP 404 Not Found: no user 5000'
    """
    try:
        phrase = HTTPStatus(response.status).phrase
    except ValueError:
        phrase = ""
    status, message = f"HTTP {response.status} {phrase}".rstrip(), extract_message(response)
    repeats_status = message.removeprefix(str(response.status)).strip(" .:").lower() in {"", phrase.lower()}
    return status if repeats_status else f"{status}: {message}"


_PACKAGE = __file__.removesuffix("_core/server_message.py").removesuffix("_core\\server_message.py")
"""The folder of this package, whose frames lie between a call and the user's function."""


def describe_exception(where: str, error: BaseException) -> str:
    """Describe what a user's function raised, and the last frames where it did.

    Raises
    ------
    KeyboardInterrupt, SystemExit
        The function raised it, to end the run.

    Examples
    --------
    >>> describe_exception("parser=", KeyError("id"))
    "parser= raised KeyError: 'id'"
    """
    if isinstance(error, _EXCEPTIONS_THAT_END_THE_RUN):
        raise error
    called = traceback.extract_tb(error.__traceback__)[1:]  # the first frame is this package's
    frames = list(dropwhile(lambda frame: frame.filename.startswith(_PACKAGE), called))[-_MAX_FRAMES:]
    trace = " → ".join(f"{frame.name} ({_DIRECTORY.sub('', frame.filename)}:{frame.lineno})" for frame in frames)
    what = f"{where} raised {type(error).__name__}: {redact_line(str(error))}".removesuffix(": ")
    return f"{what}, in {trace}" if trace else what
