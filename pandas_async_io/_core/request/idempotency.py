"""A key for each request that changes something, so that a server takes its repetition for what it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from pandas_async_io._core.models import SAFE_METHODS
from pandas_async_io._core.request.deduplicate import find_first_rows
from pandas_async_io._core.request.headers import merge_headers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.models import Request

    Requests = Iterator[tuple[int, Request]]


def add_idempotency_keys(
    requests: Requests, name: str | None, call: UUID, row_to_request: Positions, rows: Positions | None
) -> Requests:
    """Return requests with a key of their row's; one that a request has already is kept.

    Parameters
    ----------
    requests : iterator of (int, Request)
        Position and request.
    name : str or None
        Of the header; None sends no keys, and neither do methods that change nothing.
    call : UUID
        Of the call that sent these rows first: the keys are derived from it and the rows' positions.
    row_to_request : array of int64
        As in `Expansion`.
    rows : array of int64 or None
        The rows' positions in that call, if these are a part of them.

    Examples
    --------
    >>> import numpy as np
    >>> from pandas_async_io._core.models import Request
    >>> call, post = UUID(int=7), Request("https://e.com", "POST")
    >>> [(_, first)] = add_idempotency_keys(iter([(0, post)]), "Idempotency-Key", call, np.array([-1, 0]), None)
    >>> [(_, again)] = add_idempotency_keys(iter([(0, post)]), "Idempotency-Key", call, np.array([0]), np.array([1]))
    >>> first.headers["Idempotency-Key"], first == again
    ('8265c1eb-c133-5642-8dbd-3a722d494f44', True)
    """
    if name is None:
        yield from requests
        return
    first = find_first_rows(row_to_request)
    first = first if rows is None else rows[first]
    for position, request in requests:
        if request.method in SAFE_METHODS:
            yield position, request
        else:
            key = {name: str(uuid5(call, str(first[position])))}
            yield position, replace(request, headers=merge_headers(key, request.headers))
