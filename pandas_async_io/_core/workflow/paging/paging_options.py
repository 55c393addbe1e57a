"""The settings that the chains of a run share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.table.records.shape import Shape


@dataclass(frozen=True, slots=True)
class PagingOptions:
    """The settings that all chains of a run share.

    Attributes
    ----------
    allow_hosts : sequence of str
        Hosts besides the request's own that links may lead to. They get neither headers nor body.
    max_pages : int or None
        Most pages of a row.
    credential_params : sequence of str
        Query parameters that hold credentials.
    idempotency_header : str or None
        The header that holds a request's idempotency key.
    tables : Shape or None
        Where the records are, if ``orient=`` is given.
    max_keys : int or None
        As for `DuplicateTracker`.
    """

    allow_hosts: Sequence[str] = ()
    max_pages: int | None = None
    credential_params: Sequence[str] = ()
    idempotency_header: str | None = None
    tables: Shape | None = None
    max_keys: int | None = None
