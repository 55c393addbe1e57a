"""The distinct requests of a call, and which row each of them belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.models import NO_HEADERS, Request
from pandas_async_io._core.request.headers import merge_headers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.request.rows.request_builder import RequestBuilder
    from pandas_async_io._core.security.origins import Origin


@dataclass(frozen=True, slots=True)
class Expansion:
    """The distinct requests of a call.

    Attributes
    ----------
    urls : list of str
        One per distinct request, in the order of their first rows.
    row_to_request : array of int64
        For each row the position of its request, -1 if it has none.
    unsafe : dict of int to str
        The rows whose values must not be sent, and why. Every other row without a request is a ``null_key``.
    origins : dict of Origin to array of int64
        The positions of each origin's requests.
    method : str
        Of every request.
    headers : mapping of str to str
        The headers without fields.
    builder : RequestBuilder or None
        Makes the headers with fields and the body; None if no request has either.
    missing : array of str or None
        For each row what it lacks, if it is not sent for that; None if every row has its values.
    """

    urls: list[str]
    row_to_request: Positions
    unsafe: dict[int, str]
    origins: dict[Origin, Positions]
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)
    builder: RequestBuilder | None = None
    missing: np.ndarray[Any, Any] | None = None

    def __len__(self) -> int:
        """Return the number of distinct requests."""
        return len(self.urls)

    def separate(self, size: int) -> Expansion:
        """Return an expansion in which rows of different windows share no request, with the requests in row order.

        Parameters
        ----------
        size : int
            Rows of a window.

        Examples
        --------
        >>> expansion = Expansion(["/1", "/2"], np.array([0, 1, 0]), {}, {"origin": np.array([0, 1])})
        >>> apart = expansion.separate(2)
        >>> apart.urls, apart.row_to_request.tolist(), apart.origins
        (['/1', '/2', '/1'], [0, 1, 2], {'origin': array([0, 1, 2])})
        """
        rows = np.flatnonzero(self.row_to_request >= 0)
        windows = rows // size * max(len(self.urls), 1)
        codes, first = pd.factorize(windows + self.row_to_request[rows])
        source = first % max(len(self.urls), 1)
        row_to_request = self.row_to_request.copy()
        row_to_request[rows] = codes
        origin_of = np.zeros(len(self.urls), np.int64)
        for code, positions in enumerate(self.origins.values()):
            origin_of[positions] = code
        found = origin_of[source]
        origins = {origin: np.flatnonzero(found == code) for code, origin in enumerate(self.origins)}
        return replace(
            self,
            urls=[self.urls[position] for position in source.tolist()],
            row_to_request=row_to_request,
            origins={origin: positions for origin, positions in origins.items() if len(positions)},
            builder=self.builder and replace(self.builder, rows=self.builder.rows[source]),
        )

    def first_rows(self, count: int) -> Expansion:
        """Return the expansion of the first rows alone; the requests stay."""
        return replace(
            self,
            row_to_request=self.row_to_request[:count],
            unsafe={row: reason for row, reason in self.unsafe.items() if row < count},
            missing=None if self.missing is None else self.missing[:count],
        )

    def request(self, position: int, headers: Mapping[str, str]) -> Request:
        """Make one request with these headers and those that have fields."""
        if self.builder is None:
            return Request(self.urls[position], self.method, headers)
        return self.builder.request(position, self.urls[position], self.method, headers)

    def requests(self, origin: Origin, headers: Mapping[str, str] = NO_HEADERS) -> Iterator[tuple[int, Request]]:
        """Make an origin's requests one by one, as they are consumed, with the origin's credentials."""
        merged = merge_headers(headers, self.headers) if headers else self.headers
        return ((position, self.request(position, merged)) for position in self.origins[origin].tolist())


def group_by_origin(origins: np.ndarray[Any, Any]) -> dict[Origin, Positions]:
    """Return the positions of each distinct origin."""
    codes, uniques = pd.factorize(origins)
    return {origin: np.flatnonzero(codes == code) for code, origin in enumerate(uniques.tolist())}
