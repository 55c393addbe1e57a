"""A page with its records taken out: what a paginator looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.models import Page

MAX_PAGES_AT_ONCE = 100_000
"""Most pages that are requested at once. An API that announces more is read page by page."""


def is_end(token: Any) -> bool:
    """Whether a link or token means that there is no next page.

    Examples
    --------
    >>> [is_end(token) for token in (None, "", "null", 0, False, {}, "0", {"id": 1})]
    [True, True, True, True, True, True, False, False]
    """
    return not token or (isinstance(token, str) and token.strip() in {"", "null"})


@dataclass(frozen=True, slots=True)
class ExtractedPage:
    """A page and its records.

    Attributes
    ----------
    records : sequence
        The records of this page.
    records_so_far : int
        Records of all pages of the chain that have come, this one included.
    """

    page: Page
    records: Sequence[Any]
    records_so_far: int
