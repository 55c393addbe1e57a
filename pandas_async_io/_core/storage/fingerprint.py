"""Which requests have the same answer (the fingerprint), and whose answer it is (the identity).

Invariant: the fingerprint says nothing about a credential. Credentials are in the identity alone, a keyed digest, so
that a replay can leave them out and no file shows them.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from pandas_async_io._core.models import NO_HEADERS
from pandas_async_io._core.security.secrets import is_secret_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pandas_async_io._core.models import Request

_DIGEST_BYTES = 16

_HEADERS_PER_REQUEST = frozenset(
    {
        "b3",
        "baggage",
        "correlation-id",
        "idempotency-key",
        "request-id",
        "sentry-trace",
        "traceparent",
        "tracestate",
        "user-agent",
        "x-amzn-trace-id",
        "x-b3-flags",
        "x-b3-parentspanid",
        "x-b3-sampled",
        "x-b3-spanid",
        "x-b3-traceid",
        "x-cloud-trace-context",
        "x-correlation-id",
        "x-datadog-parent-id",
        "x-datadog-sampling-priority",
        "x-datadog-trace-id",
        "x-request-id",
    }
)
"""Header fields that name one sending of a request or its sender, and do not change its answer."""


class RequestKey(NamedTuple):
    """What an answer is kept and found under.

    Attributes
    ----------
    fingerprint : bytes
        Of the request without its credentials.
    identities : tuple of bytes
        Of its credentials, one digest for each of the store's salts, the store's own first; ``b""`` without any.
    """

    fingerprint: bytes
    identities: tuple[bytes, ...]


class Fingerprinter:
    """Makes the keys of a call's requests.

    Parameters
    ----------
    salts : collection of bytes
        Keys of the digests of credentials, the store's own first.
    secret_names : collection of str
        Headers and query parameters that hold the call's credentials, beside those with a secret's name.
    ignore : collection of str
        Headers and query parameters that do not change the answer.
    identity : str
        What identifies a credential that is not written in the request.

    Examples
    --------
    >>> from pandas_async_io._core.models import Request
    >>> key_of = Fingerprinter([b"salt"])
    >>> ann = key_of(Request("https://e.com/a?api_key=1&page=2"))
    >>> bob = key_of(Request("https://e.com/a?api_key=2&page=2", headers={"User-Agent": "x"}))
    >>> ann.fingerprint == bob.fingerprint, ann.identities == bob.identities
    (True, False)
    """

    __slots__ = ("_identity", "_ignored", "_kinds", "_last", "_salts", "_secret_names")

    def __init__(
        self,
        salts: Collection[bytes],
        *,
        secret_names: Collection[str] = (),
        ignore: Collection[str] = (),
        identity: str = "",
    ) -> None:
        self._salts = tuple(salts)
        self._secret_names = frozenset(map(str.lower, secret_names))
        self._ignored = frozenset(map(str.lower, ignore))
        self._identity = identity
        self._kinds: dict[str, str] = {}
        self._last = (NO_HEADERS, *self._split_headers(NO_HEADERS))  # most requests of a call share their headers

    def __call__(self, request: Request, occurrence: int = 0) -> RequestKey:
        """Return the key of a request; for equal requests that change something, their number is part of it."""
        last = self._last
        if request.headers is not last[0]:
            self._last = last = (request.headers, *self._split_headers(request.headers))
        url, (_, public, secret) = request.url, last
        if "?" in url or "@" in url:
            url, found = self._split_url(url)
            secret += found
        text = f"{request.method} {url}\n{public}\n{occurrence or ''}\n"
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES)
        if request.body is not None:
            digest.update(request.body)
        return RequestKey(digest.digest(), self._digest_secret(secret))

    def is_ignored(self, name: str) -> bool:
        """Whether equal requests may differ in a header field; its name is in lower case."""
        is_per_request = name in _HEADERS_PER_REQUEST and name not in self._secret_names
        return is_per_request or self._classify(name) == "ignored"

    def _digest_secret(self, secret: str) -> tuple[bytes, ...]:
        if not secret:
            return (b"",)
        encoded = secret.encode("utf-8", "surrogatepass")
        return tuple(blake2b(encoded, key=salt, digest_size=_DIGEST_BYTES).digest() for salt in self._salts)

    def _split_headers(self, headers: Mapping[str, str]) -> tuple[str, str]:
        """Return the header fields that the answer depends on, and the credentials among them, as texts."""
        public: list[str] = []
        secret: list[str] = []
        for name, value in sorted((name.lower(), value) for name, value in headers.items()):
            kind = "ignored" if self.is_ignored(name) else self._classify(name)
            if kind != "ignored":
                (secret if kind == "secret" else public).append(f"{name}: {value}\n")
        return "".join(public), self._identity + "".join(secret)

    def _split_url(self, url: str) -> tuple[str, str]:
        """Return a URL without the parameters that are credentials or ignored, and the credentials."""
        base, _, query = url.partition("?")
        secret = ""
        if "@" in base:
            scheme, _, rest = base.partition("://")
            authority, slash, path = rest.partition("/")
            secret, _, host = authority.rpartition("@")
            base = f"{scheme}://{host}{slash}{path}"
        kept = []
        for pair in query.split("&"):
            kind = self._classify(pair.partition("=")[0])
            if kind == "public":
                kept.append(pair)
            elif kind == "secret":
                secret += f"&{pair}"
        return f"{base}?{'&'.join(kept)}" if any(kept) else base, secret

    def _classify(self, name: str) -> str:
        """Return whether a header or parameter is "public", "secret" or "ignored"."""
        kind = self._kinds.get(name)
        if kind is None:
            folded = name.lower()
            is_own = folded in self._secret_names  # never ignored: it says whose the answer is
            is_ignored = folded in self._ignored and not is_own
            kind = "ignored" if is_ignored else "secret" if is_own or is_secret_name(name) else "public"
            self._kinds[name] = kind
        return kind
