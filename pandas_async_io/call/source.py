"""The source of a call: its frame, URL and options."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pandas as pd

from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._core.words import format_count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io.options import FetchOptions, ReadOptions

_QUERY = re.compile(r"[?#]|\{[?&]")
"""The start of a template's query, literal or as an expression of RFC 6570."""


_HAS_COPY_ON_WRITE = int(pd.__version__.split(".")[0]) >= 3
"""Whether a shallow copy is unaffected by later writes; on pandas 2 this is an option."""


def copy_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy that no later write to the frame reaches: a call in the background is still to read it.

    Examples
    --------
    >>> frame = pd.DataFrame({"id": [1]})
    >>> copy = copy_frame(frame)
    >>> frame.loc[0, "id"] = 2
    >>> copy["id"].tolist()
    [1]
    """
    return frame.copy(deep=not _HAS_COPY_ON_WRITE)


@dataclass(frozen=True, slots=True)
class Source:
    """The arguments of a call; its idempotency keys derive from ``key``."""

    frame: pd.DataFrame
    url: str | Sequence[Any]
    options: FetchOptions | ReadOptions
    key: UUID = field(default_factory=uuid4)

    def __repr__(self) -> str:
        """Name what is fetched; the options may hold credentials."""
        return f"<Source {self.label}: {format_count(len(self.frame), 'row')}>"

    @property
    def endpoint(self) -> str:
        """The template without its query, which its requests share; empty for a list of URLs."""
        return _QUERY.split(self.url, 1)[0] if isinstance(self.url, str) else ""

    @property
    def label(self) -> str:
        """A name for the source, without secrets."""
        return redact_url(self.url) if isinstance(self.url, str) else format_count(len(self.url), "URL")


@dataclass(frozen=True, slots=True)
class Resumption:
    """The part of an earlier run that a call continues.

    Attributes
    ----------
    key : UUID
        The earlier call's: a repeated row keeps its idempotency key.
    rows : array of int64
        For each row of this call its position in the earlier one.
    unfinished : mapping of int to object
        The state that `Run.unfinished` has of some of these rows.
    learnt : object
        As in `Run`.
    """

    key: UUID
    rows: Positions
    unfinished: Mapping[int, Any]
    learnt: Any = None
