"""Secrets known by their names: in headers, query keys and ``key: value`` pairs of a text.

`redaction` removes the secrets that are known by their values.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MAX_LINE_CHARACTERS = 200
"""Length of a line from `redact_line`; a longer text is cut and ends in an ellipsis."""

MAX_MESSAGE_CHARACTERS = 1 << 16
"""A longer text is not a message; `redact_line` reads no more of it."""

_NAME_PARTS = r"token|secret|passw(?:or)?d|passphrase|credential|signature|api[_-]?key"
"""A name that holds one of these is a secret's."""

_WHOLE_NAMES = (
    r"app[_-]?id|assertion|auth|authorization|auth[_-]?key|bearer|client_assertion|code|hapikey|jsessionid|jwt|"
    r"key|pass|passcode|phpsessid|pwd|session|session[_-]?id|sid|sig|wskey"
)
"""A name that is one of these is a secret's."""

_OWNERS_OF_KEYS = (
    r"access|account|admin|app|application|auth|client|consumer|dev|developer|function|functions|host|license|"
    r"master|private|secret|server|service|shared|signing|subscription|user|write"
)
"""A name that ends in one of these and ``key``, in one word, is a secret's; so is one whose last word is ``key``."""

_OTHER_KEYS = (
    r"business|cache|candidate|column|composite|compound|dedup|deduplication|dedupe|document|end|entity|event|"
    r"field|foreign|group|grouping|hash|i18n|idempotency|index|issue|item|join|lookup|map|merge|message|metric|"
    r"natural|next|node|object|order|page|parent|partition|primary|project|property|public|range|record|row|s3|"
    r"search|shard|sort|start|storage|surrogate|translation|unique|websocket"
)
"""A ``key`` behind one of these words names data."""

_OTHER_KEY = rf"(?:[\w.\-]*[_.\-])?(?:{_OTHER_KEYS})[_\-]?key"
_CREDENTIAL = (
    # The look-ahead keeps the search linear: a server may send a name of 64 KiB.
    rf"(?!{_OTHER_KEY}(?:=|$))(?:(?=[\w.\-]*?(?:{_NAME_PARTS}))[\w.\-]*+"
    rf"|[\w.\-\[%]*(?:[_.\-\[]|%5B|(?-i:[a-z0-9](?=K))|{_OWNERS_OF_KEYS})key(?:\]|%5D)?"
    rf"|{_WHOLE_NAMES})"
)
_SECRET_QUERY = re.compile(rf"([?&;](?:x-)?{_CREDENTIAL}=)[^&#;\s\"'<>]+", re.IGNORECASE)
_QUERY_NAME = re.compile(r"[?&;]([^=?&#;\s\"'<>]+)=")
_SECRET_NAME = re.compile(rf"(?:x-)?{_CREDENTIAL}|cookie|set-cookie|proxy-authorization|x-.*auth.*", re.IGNORECASE)
_OTHER_KEY_NAME = re.compile(_OTHER_KEY, re.IGNORECASE)
_USERINFO = re.compile(r"(\w{1,30}://)[^/?#\s@\"'<>]*@")
_SECRET_PAIR = re.compile(  # "KeyError: 'id'" is not a key and its value
    r"""((?:(?:token|key|secret|passw(?:or)?d|passphrase|authorization|cookie|session|credential|signature|jwt|assertion)
        (?!error)[\w-]{0,30}|(?<![a-z])(?:auth|bearer|pwd|sid|sig)(?![a-z])|code(?=\s{0,9}=)
        |(?<![a-z])(?:pass|passcode|app_?id)(?=\\?["']\s{0,9}:|\s{0,9}=))\\?["']?\s{0,9}[:=]\s{0,9}
        |\b(?:bearer|basic)\s{1,9})
        ((?:(?:bearer|basic|token)\s{1,9})?
        (?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[\[{][^\]}]*[\]}]?|[^\s"\[{,;&}]+))""",
    re.IGNORECASE | re.VERBOSE,
)
_NAME_CHARACTERS = re.compile(r"[\w.\-]*$")
_MAX_NAME_CHARACTERS = 60


def redact_url(url: str) -> str:
    """Return a URL without userinfo and without the values of secret query keys.

    Examples
    --------
    >>> redact_url("https://u:p@e.com/a?page=2&api_key=s3cret")
    'https://e.com/a?page=2&api_key=***'
    """
    return _SECRET_QUERY.sub(r"\1***", _USERINFO.sub(r"\1", url))


def redact_urls(urls: Sequence[str]) -> list[str]:
    """Redact many URLs. URLs without a secret cost one search over all of them at once.

    Examples
    --------
    >>> redact_urls(["http://e.com/?sig=1", "http://e.com/?page=1"])
    ['http://e.com/?sig=***', 'http://e.com/?page=1']
    """
    text = "\n".join(urls)
    if "@" not in text and not any(map(is_secret_name, set(_QUERY_NAME.findall(text)))):
        return list(urls)
    return [redact_url(url) for url in urls]


def redact_text(text: str) -> str:
    """Return a text with secret values masked: in ``key: value`` pairs, in query keys and in userinfo.

    Examples
    --------
    >>> redact_text('{"access_token": "abc", "name": "x"} Authorization: Bearer zzz')
    '{"access_token": ***, "name": "x"} Authorization: ***'
    """
    return _mask_pairs(redact_url(text), lambda _: "***")


def _mask_pairs(text: str, mask: Callable[[str], str]) -> str:
    """Return a text with the values of secret names masked."""

    def replace(match: re.Match[str]) -> str:
        return match[1] + (_mask_pairs(match[2], mask) if _names_data(match) else mask(match[2]))

    return _SECRET_PAIR.sub(replace, text)


def _names_data(match: re.Match[str]) -> bool:
    """Whether a name in a text only ends like a secret's: ``monkey``, ``sort_key``."""
    if match[1][:3].lower() != "key":
        return False
    start = _NAME_CHARACTERS.search(match.string, max(0, match.start() - _MAX_NAME_CHARACTERS), match.start())
    before = start[0] if start else ""
    name = before + match[1].rstrip(" \t\r\n:=\"'\\")
    return _OTHER_KEY_NAME.fullmatch(name) is not None or (before[-1:].isalpha() and not is_secret_name(name))


def redact_line(text: str) -> str:
    r"""Return a text as one line of at most 200 characters, redacted as by `redact_text`.

    Examples
    --------
    >>> redact_line("no such user\n token: abc ")
    'no such user token: ***'
    """
    shown = "".join(letter if letter.isprintable() else " " for letter in redact_text(text[:MAX_MESSAGE_CHARACTERS]))
    shown = " ".join(shown.split())
    return shown if len(shown) <= MAX_LINE_CHARACTERS else shown[: MAX_LINE_CHARACTERS - 1] + "…"


def mask_secrets(text: str) -> str:
    """Return a text with secret values masked as by `redact_text`, at the same length: positions stay valid.

    Examples
    --------
    >>> mask_secrets("https://u:p@e.com/?sig=1234 page=2")
    'https://****e.com/?sig=**** page=2'
    """
    text = _USERINFO.sub(lambda match: match[1] + "*" * (len(match[0]) - len(match[1])), text)
    return _mask_pairs(text, lambda value: "*" * len(value))


def redact_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers with the values of credentials masked.

    Examples
    --------
    >>> redact_headers({"Authorization": "Bearer x", "X-API-Key": "y", "Accept": "*/*"})
    {'Authorization': '***', 'X-API-Key': '***', 'Accept': '*/*'}
    """
    return {name: "***" if is_secret_name(name) else value for name, value in headers.items()}


def is_secret_name(name: str) -> bool:
    """Whether a header, a query key or a key of a body with this name holds a credential.

    Examples
    --------
    >>> is_secret_name("X-API-Key"), is_secret_name("access_token"), is_secret_name("Accept")
    (True, True, False)
    >>> is_secret_name("subscriptionKey"), is_secret_name("monkey"), is_secret_name("sort_key")
    (True, False, False)
    """
    return _SECRET_NAME.fullmatch(name) is not None
