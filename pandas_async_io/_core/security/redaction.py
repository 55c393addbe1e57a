"""Secrets known by their values: a call's own credentials, removed from whatever a server says.

`secrets` recognises a secret by its name. A server that repeats a credential without a name is
covered here: we sent the credential, so we know its value.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote

from pandas_async_io._core.security.secrets import MAX_LINE_CHARACTERS, is_secret_name

_MIN_SECRET_CHARACTERS = 8
"""A shorter value is masked only where its name stands: elsewhere it is likely an ordinary word or a number."""

_FORM_COUNT = 6
"""Forms of a secret that is masked."""

_MIN_START_CHARACTERS = 6
"""Characters that are left of a secret where a text was cut; fewer are likely an ordinary word."""

_SCHEME = re.compile(r"(bearer|basic|token|key|apikey|api-key)\s+(.+)", re.IGNORECASE)
_FIELD = re.compile(r"\{[\w.%]+\}")
_PARAM_WITH_FIELD = re.compile(r"[?&;]([\w.\-]+)=[^&;#{]*\{")
_QUERY_EXPRESSION = re.compile(r"\{[?&]([^{}]+)\}")
_QUERY_PAIR = re.compile(r"[?&;]([\w.\-]+)=([^&#;\s{}]+)")
_USERINFO = re.compile(r"://([^/?#@\s]+)@")
_AMBIGUOUS_NAME = re.compile(r"key|code|session|token[_-]type", re.IGNORECASE)
_ORDINARY_WORD = re.compile(r"[a-z_]{1,16}", re.IGNORECASE)
_TRAILING_NOTE = re.compile(r" \([^()]*(?:\([^()]*\))?\)$")


class SecretRedactor:
    """Replaces every occurrence of some secrets: also encoded, or cut where a text was shortened.

    Parameters
    ----------
    secrets : iterable of str
        Those below eight characters are ignored.
    names : iterable of str
        Headers and query parameters that hold credentials. Their values are masked in their places, whatever their
        length.
    request_secrets : callable, optional
        Returns further secrets of one request, by its position.

    Attributes
    ----------
    forms : tuple of str
        Every form of every secret, in an order that depends on the call alone; "" for one that is too short.

    Examples
    --------
    >>> redactor = SecretRedactor(["s3cret-key"])
    >>> redactor.redact("the key s3cret-key has expired"), redactor.redact("Incorrect key: s3cret-…")
    ('the key *** has expired', 'Incorrect key: ***…')
    """

    __slots__ = ("_names", "_param", "_pattern", "_request_secrets", "_secrets", "forms")

    def __init__(
        self,
        secrets: Iterable[str] = (),
        request_secrets: Callable[[int], Iterable[str]] | None = None,
        *,
        names: Iterable[str] = (),
    ) -> None:
        self._names = frozenset(name.lower() for name in names)
        params = "|".join(re.escape(quote(name, safe="")) for name in sorted(self._names))
        self._param = re.compile(rf"([?&;](?:{params})=)[^&#;\s\"'<>]+", re.IGNORECASE) if params else None
        self._request_secrets = request_secrets
        self.forms = tuple(form for secret in secrets for form in _forms(secret) or [""] * _FORM_COUNT)
        self._secrets = sorted({*self.forms} - {""}, key=len, reverse=True)
        alternatives = "|".join(map(re.escape, self._secrets))
        self._pattern = re.compile(alternatives, re.IGNORECASE) if alternatives else None

    @property
    def has_request_secrets(self) -> bool:
        """Whether requests have secrets of their own."""
        return self._request_secrets is not None

    def redact(self, text: str) -> str:
        """Redact one text."""
        if self._param is not None:
            text = self._param.sub(r"\1***", text)
        if self._pattern is None:
            return text
        text = self._pattern.sub("***", text)
        for end in _possible_cuts(text):
            for secret in self._secrets:
                start = text.rfind(secret[:_MIN_START_CHARACTERS], 0, end)
                if start >= 0 and secret.startswith(text[start:end]):
                    return self.redact(f"{text[:start]}***{text[end:]}")
        return text

    def redact_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Redact header values; all of a value where its name is a secret's or a credential's."""
        return {
            name: "***" if name.lower() in self._names or is_secret_name(name) else self.redact(value)
            for name, value in headers.items()
        }

    def redact_for_request(self, position: int, text: str) -> str:
        """Redact the message of one request. A message of this package ("not sent …") holds no text of a server."""
        if text.startswith("not sent"):
            return text
        if self._request_secrets is not None:
            text = SecretRedactor(self._request_secrets(position)).redact(text)
        return self.redact(text)

    def redact_all(self, texts: list[str]) -> list[str]:
        """Redact many texts. Texts without a secret cost one search over all of them at once."""
        joined = "\n".join(texts)
        if not any(pattern is not None and pattern.search(joined) for pattern in (self._pattern, self._param)):
            return texts
        return [self.redact(text) for text in texts]


def _possible_cuts(text: str) -> list[int]:
    """Return where a text may have been cut: before an ellipsis, at its end, before an appended note."""
    ends = [match.start() for match in re.finditer("…", text)]
    if len(text) >= MAX_LINE_CHARACTERS:
        note = _TRAILING_NOTE.search(text)
        ends += [len(text)] + ([note.start()] if note else [])
    return ends


def _forms(secret: str) -> list[str]:
    """Return the forms of a secret in a text: as it is, in a URL, in JSON, with its spaces folded; none of a short."""
    if len(secret) < _MIN_SECRET_CHARACTERS:
        return []
    in_url = (quote(secret, safe=""), quote_plus(secret))
    return [secret, *in_url, json.dumps(secret)[1:-1], " ".join(secret.split()), unquote(secret)]


def find_credential_secrets(value: str) -> Iterator[str]:
    """Return the secret parts of a credential: all of it, it without its scheme, and a Basic pair's password.

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
    """Return the secrets in headers, parameters or a body, by their names. All values of a cookie are secrets.

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
        elif is_secret_name(str(name)) and not _FIELD.search(inner) and not _is_ordinary_word(str(name), inner):
            yield from find_credential_secrets(inner)


def _is_ordinary_word(name: str, value: str) -> bool:
    """Whether a value under an ambiguous name is an ordinary word, as in ``key=user_id``."""
    return _AMBIGUOUS_NAME.fullmatch(name) is not None and _ORDINARY_WORD.fullmatch(value) is not None


def find_url_secrets(url: str) -> Iterator[str]:
    """Return the secrets in a URL: its password, and the values of secret query keys.

    Examples
    --------
    >>> list(find_url_secrets("https://me:passw0rd@e.com/?token=abcdef&page=1&sig={sig}"))
    ['passw0rd', 'abcdef']
    """
    for userinfo in _USERINFO.findall(url):
        yield userinfo.partition(":")[2]
    pairs = ((name, value) for name, value in _QUERY_PAIR.findall(url) if is_secret_name(name))
    yield from (value for name, value in pairs if not _is_ordinary_word(name, value))


def find_body_secrets(body: str | bytes) -> Iterator[str]:
    """Return the secrets in a body that is JSON or a form, by their names.

    Examples
    --------
    >>> list(find_body_secrets(b'{"password": "open sesame"}')), list(find_body_secrets("pwd=open+sesame"))
    (['open sesame'], ['open sesame'])
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = dict(parse_qsl(body if isinstance(body, str) else body.decode(errors="replace")))
    yield from find_named_secrets(value)


def has_row_credentials(parts: Any, url: str = "") -> bool:
    """Whether a value under a secret's name depends on the row.

    Parameters
    ----------
    parts : mapping or list
        Headers, parameters and a body, at any depth.
    url : str
        A template: its query is searched.

    Examples
    --------
    >>> has_row_credentials({"Authorization": "Bearer {token}"}), has_row_credentials({"X-Trace": "{id}"})
    (True, False)
    >>> has_row_credentials({}, "/users?token={t}"), has_row_credentials({}, "/users/{id}{?page,api_key}")
    (True, True)
    """
    names = [*_PARAM_WITH_FIELD.findall(url)]
    for variables in _QUERY_EXPRESSION.findall(url):
        names += [re.split(r"[*:]", name)[0] for name in variables.split(",")]
    return any(map(is_secret_name, names)) or _has_field_in_secret(parts)


def _has_field_in_secret(parts: Any, name: str = "") -> bool:
    if isinstance(parts, Mapping):
        return any(_has_field_in_secret(part, str(key)) for key, part in parts.items())
    if isinstance(parts, list | tuple):
        return any(_has_field_in_secret(part, name) for part in parts)
    return isinstance(parts, str) and is_secret_name(name) and _FIELD.search(parts) is not None
