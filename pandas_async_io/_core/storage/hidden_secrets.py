"""The call's credentials in an answer that repeats them: hidden before it is kept, put back when it is read.

A link to the next page may hold the token of the call. It is kept as a placeholder, so that a call with another
token follows the link with its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pandas_async_io._core.models import Request

_PLACEHOLDER = re.compile(rb"\*\*\*secret-(\d+)\*\*\*")


class HiddenSecrets:
    """Hides some secrets in bytes.

    Parameters
    ----------
    secrets : sequence of str
        In an order that depends on the call alone, not on the values.
    find_more : callable, optional
        Returns the further secrets of one request, where rows have credentials of their own.

    Examples
    --------
    >>> hidden = HiddenSecrets(["s3cret"]).hide(b"/posts?token=s3cret")
    >>> hidden, HiddenSecrets(["new"]).restore(hidden), HiddenSecrets([]).restore(hidden)
    (b'/posts?token=***secret-0***', b'/posts?token=new', b'/posts?token=***')
    """

    __slots__ = ("_find_more", "_given", "_pattern", "_places", "_secrets")

    def __init__(self, secrets: Sequence[str], find_more: Callable[[Request], Sequence[str]] | None = None) -> None:
        self._given, self._find_more = secrets, find_more
        self._secrets = [secret.encode("utf-8", "surrogatepass") for secret in secrets]
        self._places: dict[bytes, int] = {}
        for place, secret in enumerate(self._secrets):
            self._places.setdefault(secret, place)
        longest_first = sorted(filter(None, self._places), key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, longest_first))) if longest_first else None

    def for_request(self, request: Request) -> HiddenSecrets:
        """Return what hides the secrets of the call and those of one request."""
        if self._find_more is None:
            return self
        return HiddenSecrets([*self._given, *self._find_more(request)])

    def hide(self, content: bytes) -> bytes:
        """Return the bytes with a placeholder for each secret."""
        if self._pattern is None:
            return content
        return self._pattern.sub(lambda match: b"***secret-%d***" % self._places[match[0]], content)

    def restore(self, content: bytes) -> bytes:
        """Return the bytes with the call's own secrets in place of the placeholders."""
        if b"***secret-" not in content:
            return content
        return _PLACEHOLDER.sub(self._find_secret, content)

    def _find_secret(self, match: re.Match[bytes]) -> bytes:
        place = int(match[1])
        return self._secrets[place] if place < len(self._secrets) else b"***"
