"""The credentials of a call, blotted out of whatever a server says.

What looks like a secret is known by its name (`safety`); what a server repeats without a name
is known by its value, for it was we who sent it.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from pandas_async_io._core.security.secrets import is_secret_name

SHORTEST = 6
"""Characters; a shorter text is a word that says something else."""

CUT = 200
"""Texts of so many characters may have been cut in the middle of a word."""

_SCHEME = re.compile(r"(bearer|basic|token|key|apikey|api-key)\s+(.+)", re.IGNORECASE)
_FIELD = re.compile(r"\{\w+\}")
_IN_QUERY = re.compile(r"[?&;]([\w.\-]+)=([^&#;\s{}]+)")
_USERINFO = re.compile(r"://([^/?#@\s]+)@")
_MAYBE = re.compile(r"key|code|session|token[_-]type", re.IGNORECASE)
_WORD = re.compile(r"[a-z_]{1,16}", re.IGNORECASE)
_NOTE = re.compile(r" \([^()]*(?:\([^()]*\))?\)$")


class SecretRedactor:
    """Blots out every occurrence of some secrets, also encoded, or cut off where a text ends.

    Parameters
    ----------
    secrets : iterable of str
        Short ones are let be.
    of : callable, optional
        Returns further secrets of one request, by its position.

    Examples
    --------
    >>> blot = SecretRedactor(["s3cret-key"])
    >>> blot("the key s3cret-key has expired"), blot("Incorrect key: s3cret-…")
    ('the key *** has expired', 'Incorrect key: ***…')
    """

    __slots__ = ("_of", "_pattern", "_secrets")

    def __init__(self, secrets: Iterable[str] = (), of: Callable[[int], Iterable[str]] | None = None) -> None:
        self._of = of
        self._secrets = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
        alternatives = "|".join(map(re.escape, self._secrets))
        self._pattern = re.compile(alternatives, re.IGNORECASE) if alternatives else None

    def __call__(self, text: str) -> str:
        """Blot out one text."""
        if self._pattern is None:
            return text
        text = self._pattern.sub("***", text)
        for end in _ends(text):
            for secret in self._secrets:
                start = text.rfind(secret[:SHORTEST], 0, end)
                if start >= 0 and secret.startswith(text[start:end]):
                    return self(f"{text[:start]}***{text[end:]}")
        return text

    def of(self, position: int, text: str) -> str:
        """Blot out what is said of one request; in what was not sent is no word of a server's."""
        if text.startswith("not sent"):
            return text
        return self(text if self._of is None else SecretRedactor(self._of(position))(text))

    def every(self, texts: list[str]) -> list[str]:
        """Blot out many texts; as good as free where none holds a secret."""
        if self._pattern is None or self._pattern.search("\n".join(texts)) is None:
            return texts
        return [self(text) for text in texts]


def _ends(text: str) -> list[int]:
    """Return where a text may have been cut: before an ellipsis, at its end, before a note of ours."""
    ends = [match.start() for match in re.finditer("…", text)]
    if len(text) >= CUT:
        note = _NOTE.search(text)
        ends += [len(text)] + ([note.start()] if note else [])
    return ends


def _forms(secret: str) -> Iterator[str]:
    """Return a secret as it may stand in a text: as it is, in a URL, in JSON, with its spaces folded."""
    if len(secret) >= SHORTEST:
        yield from (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1])
        yield from (" ".join(secret.split()), unquote(secret))


def find_credential_secrets(value: str) -> Iterator[str]:
    """Return what of a credential is secret: all of it, without its scheme, and as a pair the password.

    Examples
    --------
    >>> list(find_credential_secrets("Bearer abcdef"))
    ['Bearer abcdef', 'abcdef']
    >>> list(find_credential_secrets("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="))
    ['Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==', 'QWxhZGRpbjpvcGVuIHNlc2FtZQ==', 'Aladdin:open sesame', 'open sesame']
    """
    yield value
    match = _SCHEME.fullmatch(value)
    if match is None:
        return
    yield match[2]
    if match[1].lower() == "basic":
        try:
            pair = b64decode(match[2]).decode()
        except (binascii.Error, UnicodeDecodeError):
            return
        yield from (pair, pair.partition(":")[2])


def find_named_secrets(value: Any) -> Iterator[str]:
    """Return the secrets in headers, parameters or a body, by their names; a cookie's values are some.

    Examples
    --------
    >>> list(find_named_secrets({"X-API-Key": "abcdef", "Accept": "text/csv", "Authorization": "Bearer {token}"}))
    ['abcdef']
    >>> list(find_named_secrets([{"user": {"password": "open sesame"}}, {"Cookie": "a=b; sid=123456"}]))
    ['open sesame', 'b', '123456']
    """
    if isinstance(value, list | tuple):
        for each in value:
            yield from find_named_secrets(each)
    if not isinstance(value, Mapping):
        return
    for name, inner in value.items():
        if not isinstance(inner, str):
            yield from find_named_secrets(inner)
        elif str(name).lower() == "cookie":
            yield from (pair.partition("=")[2].strip() for pair in inner.split(";"))
        elif is_secret_name(str(name)) and not _FIELD.search(inner) and not _harmless(str(name), inner):
            yield from find_credential_secrets(inner)


def _harmless(name: str, value: str) -> bool:
    """Whether a value is an ordinary word under a name that may be a secret's, as in ``key=user_id``."""
    return _MAYBE.fullmatch(name) is not None and _WORD.fullmatch(value) is not None


def find_url_secrets(url: str) -> Iterator[str]:
    """Return the secrets in a URL: its password, and what stands behind a name of one in its query.

    Examples
    --------
    >>> list(find_url_secrets("https://me:passw0rd@e.com/?token=abcdef&page=1&sig={sig}"))
    ['passw0rd', 'abcdef']
    """
    for userinfo in _USERINFO.findall(url):
        yield userinfo.partition(":")[2]
    found = ((name, value) for name, value in _IN_QUERY.findall(url) if is_secret_name(name))
    yield from (value for name, value in found if not _harmless(name, value))


def has_row_credentials(headers: Mapping[str, str] | None) -> bool:
    """Whether a header that is a secret is another one for each row.

    Examples
    --------
    >>> has_row_credentials({"Authorization": "Bearer {token}"}), has_row_credentials({"X-Trace": "{id}"})
    (True, False)
    """
    return any(is_secret_name(name) and _FIELD.search(value) is not None for name, value in (headers or {}).items())
