"""The source of a call: its frame, URL and options."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
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


_CONTAINER_OPTIONS = ("params", "headers", "json", "data", "columns", "schema")
"""Options that are dicts or lists; they have been checked, so that none holds itself."""

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


def copy_options(options: FetchOptions | ReadOptions) -> FetchOptions | ReadOptions:
    """Return options that no later change of a given dict or list reaches: `retry_failed` is still to use them."""
    given = ((name, getattr(options, name)) for name in _CONTAINER_OPTIONS)
    copies = {name: _copy_containers(value) for name, value in given if type(value) in {dict, list}}
    return replace(options, **copies) if copies else options


def _copy_containers(value: Any) -> Any:
    if type(value) is dict:
        return {key: _copy_containers(item) for key, item in value.items()}
    return [_copy_containers(item) for item in value] if type(value) is list else value


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
    takes_stored : bool
        Whether kept answers are taken: not where rows failed because theirs could not be read.
    """

    key: UUID
    rows: Positions
    unfinished: Mapping[int, Any]
    learnt: Any = None
    takes_stored: bool = True
