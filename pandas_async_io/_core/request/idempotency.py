"""Idempotency keys: a server that gets the same key twice does not process the request again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from pandas_async_io._core.models import SAFE_METHODS
from pandas_async_io._core.request.cell_values.deduplicate import find_first_rows
from pandas_async_io._core.request.headers import merge_headers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.models import Request

    Requests = Iterator[tuple[int, Request]]


def add_idempotency_keys(
    requests: Requests, name: str | None, call: UUID, row_to_request: Positions, rows: Positions | None
) -> Requests:
    """Add an idempotency key to each request of an unsafe method. A key that a request already has is kept.

    Parameters
    ----------
    requests : iterator of (int, Request)
        Positions and requests.
    name : str or None
        The header's name. None adds no keys.
    call : UUID
        Identifies the call that sent these rows first. A key is derived from it and the row's position.
    row_to_request : array of int64
        As in `Expansion`.
    rows : array of int64 or None
        The rows' positions in that call; None if they are all of its rows.

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
