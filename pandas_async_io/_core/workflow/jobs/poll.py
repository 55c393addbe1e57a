"""The option `Poll`: where a job's state, URL and result are, which states end it, and how often it is polled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.json_path import as_path
from pandas_async_io._core.numbers import as_seconds, check_positive_seconds
from pandas_async_io._core.option_names import explains_names
from pandas_async_io._core.option_values import list_members
from pandas_async_io._core.words import show_value
from pandas_async_io._core.workflow.jobs.job_states import (
    DONE_STATES,
    FAILED_STATES,
    compile_end_states,
    state_key,
)

if TYPE_CHECKING:
    from pandas_async_io._core.json_path import Path

_MAX_DELAY_SECONDS = 86_400.0
"""A day."""


class JobStatus(Enum):
    """What a job's state means."""

    RUNNING = auto()
    DONE = auto()
    FAILED = auto()


@explains_names
@dataclass(frozen=True, slots=True)
class Poll:
    """How a submitted job is polled until it ends.

    Each request submits a job. Further requests ask for its state until that is done or failed. Then the result
    is downloaded, or the last response is the result.

    A 202 that names a URL is always polled, whatever state its body has. Any other response to a submission is
    the result if its state is done. After that the state counts, not the HTTP status: a 202 without a state is an
    error, and a redirect (303) is followed to a response that must have the state. A 404 right after the
    submission is repeated three times, because the job may not be visible on all servers yet. A later 404, or a
    410, means that the job is gone.

    ``format=``, ``parser=``, ``error_when=``, ``record_path=`` and the other options for columns apply to the
    result only, not to the responses before it.

    Parameters
    ----------
    status : path
        Path of the state in a response.
    done, failed : collection of str, bool or number
        The states that end a job, well or not; in any other state it still runs. Texts are compared without
        case, numbers by value; True is not 1, and "1" is neither.
    url : path, optional
        Path of the URL to poll, absolute or relative. By default, and where the response has no text there: the
        header ``Operation-Location`` or ``Location``, else the URL that answered, unless that took a POST.
    every : float or sequence of float
        Seconds between two polls; the last of several repeats. ``Retry-After`` is a minimum.
    result : path, optional
        Path of the result's URL; by default the last response is the result.
    error : path
        Path of the error message when a job failed or was refused.
    patience : float
        Seconds after which the row ends as ``timeout``. The job goes on: ``retry_failed`` continues to poll it.

    Raises
    ------
    PlanError
        An option has a wrong type or value.
    """

    status: Path = "status"
    done: Collection[Any] = DONE_STATES
    failed: Collection[Any] = FAILED_STATES
    url: Path | None = None
    every: float | Sequence[float] = 1.0
    result: Path | None = None
    error: Path = "error"
    patience: float = 3_600.0
    _delays: tuple[float, ...] = field(init=False, repr=False, compare=False)
    _done_keys: frozenset[Any] = field(init=False, repr=False, compare=False)
    _failed_keys: frozenset[Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("status", "url", "result", "error"):
            given = getattr(self, name)
            path = as_path(given)
            if path is None and not (given is None and name in {"url", "result"}):
                raise PlanError(
                    f"Poll: {name}={show_value(given)} is not a path: write 'links.self', or a list of keys"
                )
            object.__setattr__(self, name, path)
        object.__setattr__(self, "patience", check_positive_seconds("Poll: patience", self.patience))
        object.__setattr__(self, "_delays", _compile_delays(self.every))
        done_keys, failed_keys = compile_end_states(self.done, self.failed)
        object.__setattr__(self, "_done_keys", done_keys)
        object.__setattr__(self, "_failed_keys", failed_keys)

    def delay_after(self, polls: int) -> float:
        """Return the seconds before the next poll, after that many polls.

        Examples
        --------
        >>> [Poll(every=(1, 5)).delay_after(polls) for polls in range(3)]
        [1, 5, 5]
        """
        return self._delays[min(polls, len(self._delays) - 1)]

    def classify_state(self, state: Any) -> JobStatus:
        """Return what a state means.

        Examples
        --------
        >>> Poll().classify_state("Succeeded"), Poll().classify_state("queued")
        (<JobStatus.DONE: 2>, <JobStatus.RUNNING: 1>)
        """
        key = state_key(state)
        if key in self._failed_keys:
            return JobStatus.FAILED
        return JobStatus.DONE if key in self._done_keys else JobStatus.RUNNING


def _compile_delays(every: Any) -> tuple[float, ...]:
    """Return the delays that ``every`` lists.

    Raises
    ------
    PlanError
        It lists none, or one that is not a number of seconds from 0 to a day.
    """
    members = None if isinstance(every, AbstractSet) else list_members(every)
    delays = [as_seconds(delay) for delay in ([every] if members is None else members)]
    found = tuple(delay for delay in delays if delay is not None and 0 <= delay <= _MAX_DELAY_SECONDS)
    if not found or len(found) != len(delays):
        raise PlanError(f"Poll: every={show_value(every)} is not a number of seconds, nor several")
    return found
