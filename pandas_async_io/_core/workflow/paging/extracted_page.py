"""What a paginator looks at, and what all of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.models import Page


MAX_PAGES_AT_ONCE = 100_000
"""Pages that are asked for at once; an API that says it has more is read one by one."""


def is_end(token: Any) -> bool:
    """Whether a cursor or link says that there is nothing more.

    Examples
    --------
    >>> [is_end(token) for token in (None, "", "null", 0, False, {}, "0", {"id": 1})]
    [True, True, True, True, True, True, False, False]
    """
    return not token or (isinstance(token, str) and token.strip() in {"", "null"})


@dataclass(frozen=True, slots=True)
class ExtractedPage:
    """A page with its records taken out.

    Attributes
    ----------
    records : list
        What this page holds a slice of.
    seen : int
        Records of the chain so far, these included.
    """

    page: Page
    records: Sequence[Any]
    seen: int
