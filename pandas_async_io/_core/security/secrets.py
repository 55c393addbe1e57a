"""Secrets known by their names: in headers, query keys and ``key: value`` pairs of a text.

`redaction` removes the secrets that are known by their values.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_LINE_CHARACTERS = 200
"""Length of a line from `redact_line`; a longer text is cut and ends in an ellipsis."""

MAX_MESSAGE_CHARACTERS = 1 << 16
"""A longer text is not a message; `redact_line` reads no more of it."""

_CREDENTIAL = (
    r"(?:[\w.\-]*(?:token|secret|passw(?:or)?d|passphrase|credential|signature|api[_\-]?key|apikey)[\w.\-]*"
    r"|auth|authorization|bearer|code|key|pwd|sid|session|sessionid|sig|jwt)"
)
_SECRET_QUERY = re.compile(rf"([?&;]{_CREDENTIAL}=)[^&#;\s\"'<>]+", re.IGNORECASE)
_SECRET_NAME = re.compile(rf"(?:x-)?{_CREDENTIAL}|cookie|proxy-authorization|x-.*auth.*", re.IGNORECASE)
_USERINFO = re.compile(r"(\w{1,30}://)[^/?#\s@\"'<>]*@")
_SECRET_PAIR = re.compile(  # "KeyError: 'id'" is not a key and its value
    r"""((?:(?:token|key|secret|passw(?:or)?d|passphrase|authorization|cookie|session|credential|signature|jwt)
        (?!error)[\w-]{0,30}|(?<![a-z])(?:auth|bearer|pwd|sid|sig)(?![a-z])|code(?=\s{0,9}=))\\?["']?\s{0,9}[:=]\s{0,9}
        |\b(?:bearer|basic)\s{1,9})
        ((?:(?:bearer|basic|token)\s{1,9})?
        (?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[\[{][^\]}]*[\]}]?|[^\s"\[{,;&}]+))""",
    re.IGNORECASE | re.VERBOSE,
)


def redact_url(url: str) -> str:
    """Return a URL without userinfo and without the values of secret query keys.

    Examples
    --------
    >>> redact_url("https://u:p@e.com/a?page=2&api_key=s3cret")
    'https://e.com/a?page=2&api_key=***'
    """
    return _SECRET_QUERY.sub(r"\1***", _USERINFO.sub(r"\1", url))


def redact_urls(urls: Sequence[str]) -> list[str]:
    """Redact many URLs. URLs without a secret cost two searches over all of them at once.

    Examples
    --------
    >>> redact_urls(["http://e.com/?sig=1", "http://e.com/?page=1"])
    ['http://e.com/?sig=***', 'http://e.com/?page=1']
    """
    text = "\n".join(urls)
    if _SECRET_QUERY.search(text) is None and _USERINFO.search(text) is None:
        return list(urls)
    return [redact_url(url) for url in urls]


def redact_text(text: str) -> str:
    """Return a text with secret values masked: in ``key: value`` pairs, in query keys and in userinfo.

    Examples
    --------
    >>> redact_text('{"access_token": "abc", "name": "x"} Authorization: Bearer zzz')
    '{"access_token": ***, "name": "x"} Authorization: ***'
    """
    return _SECRET_PAIR.sub(r"\1***", redact_url(text))


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
    return _SECRET_PAIR.sub(lambda match: match[1] + "*" * len(match[2]), text)


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
    """
    return _SECRET_NAME.fullmatch(name) is not None
