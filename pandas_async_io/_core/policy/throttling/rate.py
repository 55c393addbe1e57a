"""The option ``rate``: how often requests may start."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.numbers import as_integer, as_number, as_seconds
from pandas_async_io._core.option_names import explains_names
from pandas_async_io._core.option_values import list_members
from pandas_async_io._core.policy.durations import SECONDS_PER_UNIT, format_seconds
from pandas_async_io._core.words import show_value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_GRAMMAR = (
    'a rate is "count/unit" or "count/n unit", as in "20/s", "500/h", "100/15min" or "1000/day", '
    "a number per second, a Rate, or a list of them"
)

_RATE_TEXT = re.compile(
    r"([0-9]+(?:\.[0-9]+)?) ?/ ?([0-9]+(?:\.[0-9]+)?)? ?"
    r"(?:(ms)|(s)(?:ec(?:ond)?s?)?|(m)(?:in(?:ute)?s?)?|(h)(?:r|ours?)?|(d)(?:ays?)?)"
)

_MAX_TEXT = 100
"""Characters of a rate."""

_MIN_SPACING_SECONDS = 1e-9
_MAX_SPACING_SECONDS = 86_400.0
"""A rate of less than one start a day would hold a run as long."""

_ROUNDED_FROM_SECONDS = 600.0
"""Durations from here on are shown in whole minutes."""

_MAX_TIMER_RATE = 200
"""Starts per second up to which a timer can space each one."""

_KEPT_MARGIN = 0.75
"""Share of the margin that is kept while a late start is made up for."""

_REQUIREMENTS: dict[str, tuple[Callable[[Any], float | None], Callable[[float], bool], str]] = {
    "count": (as_number, lambda count: count > 0, "a positive, finite number"),
    "per": (as_seconds, lambda per: per > 0, "a positive, finite number of seconds"),
    "burst": (as_integer, lambda burst: burst >= 1, "a whole number from 1"),
    "margin": (as_number, lambda margin: 0 <= margin < 1, "a share of the rate, from 0 to below 1"),
    "cost": (as_number, lambda cost: cost > 0, "a positive, finite number of points"),
}
"""How each field of `Rate` is read, whether its number is valid, and the text for an error."""


def parse_rates(value: str | float | Rate | Sequence[str | float | Rate] | None) -> tuple[Rate, ...]:
    """Return the rates of the option ``rate``; all of them apply.

    Parameters
    ----------
    value : str, number, Rate, a sequence of them, or None
        A bare number counts starts per second.

    Raises
    ------
    PlanError
        The value is none of these.

    Examples
    --------
    >>> [(r.count, r.per) for r in parse_rates(["20/s", "500/h"])]
    [(20.0, 1.0), (500.0, 3600.0)]
    """
    if value is None:
        return ()
    members = list_members(value)
    return (_parse_rate(value),) if members is None else tuple(map(_parse_rate, members))


def _parse_rate(value: Any) -> Rate:
    if isinstance(value, Rate):
        return value
    if isinstance(value, str):
        return Rate.parse(value)
    count = as_number(value)
    if count is None or count <= 0:
        raise PlanError(f"rate={show_value(value)}: {_GRAMMAR}.")
    return Rate(count)


@explains_names
@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``count`` starts in ``per`` seconds, evenly spaced.

    Parameters
    ----------
    count : float
        Starts that the API allows.
    per : float
        Length of the period in seconds.
    burst : int
        Starts that may follow each other at once after a pause.
    margin : float
        Share of the rate that is left unused: the network moves requests
        closer together than they were sent.
    cost : float
        Points that one request costs, if the API counts points.

    Raises
    ------
    PlanError
        A value is out of its range.
    """

    count: float
    per: float = 1.0
    burst: int = 1
    margin: float = 0.1
    cost: float = 1.0

    def __post_init__(self) -> None:
        for name, (read, is_valid, requirement) in _REQUIREMENTS.items():
            number = read(getattr(self, name))
            if number is None or not is_valid(number):
                raise PlanError(f"Rate: {name}={show_value(getattr(self, name))} must be {requirement}.")
            object.__setattr__(self, name, number)
        if not _MIN_SPACING_SECONDS <= _space(self) <= _MAX_SPACING_SECONDS:
            raise PlanError(
                f"rate: {self} is a start every {_space(self):.3g} s; it must be between "
                f"{_MIN_SPACING_SECONDS:g} s and a day."
            )

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Parse a text such as ``"20/s"``.

        Raises
        ------
        PlanError
            The text is not a rate; the message shows the grammar.

        Examples
        --------
        >>> Rate.parse("100/15min")
        Rate(count=100.0, per=900.0, burst=1, margin=0.1, cost=1.0)
        """
        match = _RATE_TEXT.fullmatch(text.strip().lower()) if len(text) <= _MAX_TEXT else None
        if match is None:
            raise PlanError(f"rate={show_value(text)}: {_explain_list(text) or _GRAMMAR}.")
        unit = next(name for name in match.groups()[2:] if name)
        return cls(float(match[1]), float(match[2] or 1) * SECONDS_PER_UNIT[unit])

    @property
    def spacing(self) -> float:
        """Seconds between two starts, the margin included.

        Examples
        --------
        >>> Rate(20, margin=0.2).spacing, Rate(100, margin=0.2, cost=5).spacing
        (0.0625, 0.0625)
        """
        return _space(self)

    @property
    def closest_spacing(self) -> float:
        """Seconds between two starts, at least, while a late start is made up for.

        Three quarters of the margin are kept: a busy machine not only starts requests late, it also moves
        them closer together on their way.

        Examples
        --------
        >>> Rate(20, margin=0).closest_spacing, Rate(10, margin=0.5).closest_spacing
        (0.05, 0.16)
        """
        return self.per * self.cost / (self.count * (1 - _KEPT_MARGIN * self.margin))

    @property
    def bucket(self) -> tuple[float, float]:
        """Return ``max_rate`` and ``time_period`` (seconds) for a leaky bucket.

        A bucket of one spaces starts evenly, but its timer wakes at most some 200
        times a second. Above that rate the bucket holds the starts of 10 ms.

        Examples
        --------
        >>> Rate(20, margin=0).bucket, Rate(1000, margin=0).bucket
        ((1, 0.05), (10, 0.01))
        """
        rate = 1 / self.spacing
        size = self.burst if self.burst > 1 or rate <= _MAX_TIMER_RATE else round(rate / 100)
        return size, size * self.spacing


def describe_pace(rates: Sequence[Rate], requests: int, *, may_grow: bool = False) -> str:
    """Return how long requests to one origin take at the slowest of some rates; "" without rates.

    Parameters
    ----------
    may_grow : bool
        Whether others follow, as pages do.

    Examples
    --------
    >>> describe_pace([Rate.parse("20/s"), Rate.parse("1000000/h")], 50_000)
    '50 000 requests at 20/s (18/s paced): 46 min'
    >>> describe_pace([Rate.parse("100/15min")], 3, may_grow=True)
    '3 requests at 100/15 min (90/15 min paced): at least 20 s'
    """
    if not rates or not requests:
        return ""
    slowest = _find_slowest(rates)
    seconds = max(requests - slowest.burst, 0) * slowest.spacing
    if seconds >= _ROUNDED_FROM_SECONDS:
        seconds = round(seconds / 60) * 60
    given, paced = (_format_rate(count, slowest.per) for count in (slowest.count, slowest.per / slowest.spacing))
    count = f"{requests:,} request".replace(",", " ") + ("" if requests == 1 else "s")
    return f"{count} at {given} ({paced} paced): {'at least ' if may_grow else ''}{format_seconds(seconds)}"


def format_rate(rates: Sequence[Rate]) -> str:
    """Return the slowest of some rates as text.

    Examples
    --------
    >>> format_rate([Rate.parse("20/s"), Rate.parse("100/15min")])
    '100/15 min'
    """
    slowest = _find_slowest(rates)
    return _format_rate(slowest.count, slowest.per)


def _find_slowest(rates: Sequence[Rate]) -> Rate:
    return max(rates, key=lambda rate: rate.spacing)


def _format_rate(count: float, per: float) -> str:
    unit = "s" if per == 1 else format_seconds(per).removeprefix("1 ")
    return f"{float(f'{count:.3g}'):g}/{unit}"


def _space(rate: Rate) -> float:
    starts = rate.count * (1 - rate.margin)
    return rate.per * rate.cost / starts if starts > 0 else math.inf


def _explain_list(text: str) -> str:
    """Return how several rates are written, if a text holds several; else an empty text."""
    parts = [part.strip() for part in re.split(r"[,;+&]", text)]
    listed = len(parts) > 1 and all(_RATE_TEXT.fullmatch(part.lower()) for part in parts)
    return f"several rates are a list: rate={parts}" if listed else ""
