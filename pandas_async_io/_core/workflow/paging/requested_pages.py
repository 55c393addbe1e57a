"""The requests of a chain by the number of their page: each is made once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pandas_async_io._core.models import Request

if TYPE_CHECKING:
    from collections.abc import Hashable


class RequestedPages:
    """The requests of a chain, in the order of their numbers.

    Parameters
    ----------
    number : int
        Of the first request; an earlier process had those before it.
    request : Request
        The first request.

    Examples
    --------
    >>> pages = RequestedPages(1, Request("http://e.com/"))
    >>> pages.next_number, pages.add(Request("http://e.com/?page=2")), pages.add(Request("http://e.com/"))
    (2, 2, 1)
    >>> pages.find(2).url
    'http://e.com/?page=2'
    """

    __slots__ = ("_numbers", "next_number")

    def __init__(self, number: int, request: Request) -> None:
        self._numbers: dict[Hashable, int] = {_identity(request): number}
        self.next_number = number + 1

    def add(self, request: Request) -> int:
        """Return the number of a request: the next one, or the one it has."""
        number = self._numbers.setdefault(_identity(request), self.next_number)
        self.next_number += number == self.next_number
        return number

    def find(self, number: int) -> Request | None:
        """Return the request of a page; None if it was not made."""
        found: Any = next((identity for identity, own in self._numbers.items() if own == number), None)
        return None if found is None else Request(found[1], found[0], dict(found[3]), found[2])

    def copy(self) -> RequestedPages:
        """Return a copy that grows on its own."""
        copied = object.__new__(RequestedPages)
        copied._numbers, copied.next_number = dict(self._numbers), self.next_number
        return copied


def _identity(request: Request) -> tuple[str, str, bytes | None, Any]:
    return request.method, request.url, request.body, frozenset(request.headers.items())
