"""TODO."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_async_io._core.models import NO_HEADERS, Request
from pandas_async_io._core.request.headers import merge_headers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.request.request_builder import RequestBuilder
    from pandas_async_io._core.security.origins import Origin


@dataclass(frozen=True, slots=True)
class Expansion:
    """What will be sent.

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
    """

    urls: list[str]
    row_to_request: Positions
    unsafe: dict[int, str]
    origins: dict[Origin, Positions]
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)
    parts: RequestBuilder | None = None

    def __len__(self) -> int:
        """Return the number of distinct requests."""
        return len(self.urls)

    def request(self, position: int, headers: Mapping[str, str]) -> Request:
        """Make one request, with some headers beside its own."""
        if self.parts is None:
            return Request(self.urls[position], self.method, headers)
        return self.parts.request(position, self.urls[position], self.method, headers)

    def requests(self, origin: Origin, headers: Mapping[str, str] = NO_HEADERS) -> Iterator[tuple[int, Request]]:
        """Make an origin's requests one by one, as they are taken, with its credentials."""
        every = merge_headers(headers, self.headers) if headers else self.headers
        return ((position, self.request(position, every)) for position in self.origins[origin].tolist())


def group_by_origin(hosts: np.ndarray[Any, Any]) -> dict[Origin, Positions]:
    codes, uniques = pd.factorize(hosts)
    return {origin: np.flatnonzero(codes == code) for code, origin in enumerate(uniques.tolist())}


def to_object_array(values: Sequence[Any]) -> np.ndarray[Any, Any]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
