"""What a paginator looks at, and what all of them share."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.models import Page

MOST = 100_000
"""Pages that are asked for at once; an API that says it has more is read one by one."""


def shown(paginator: Any) -> str:
    """Return a paginator as it is written: what is as by default is left out.

    Examples
    --------
    >>> @dataclass
    ... class Marked:
    ...     param: str = "cursor"
    ...     body: bool = False
    >>> shown(Marked(body=True))
    'Marked(body=True)'
    """
    said = [
        f"{each.name}={getattr(paginator, each.name)!r}"
        for each in fields(paginator)
        if each.default is MISSING or getattr(paginator, each.name) != each.default
    ]
    return f"{type(paginator).__name__}({', '.join(said)})"


def ended(token: Any) -> bool:
    """Whether a cursor or link says that there is nothing more.

    Examples
    --------
    >>> [ended(token) for token in (None, "", "null", 0, False, {}, "0", {"id": 1})]
    [True, True, True, True, True, True, False, False]
    """
    return not token or (isinstance(token, str) and token.strip() in {"", "null"})


@dataclass(frozen=True, slots=True)
class Opened:
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
