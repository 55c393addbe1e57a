"""The states of a job: in which it has ended, how they are compared, how they are told."""

from __future__ import annotations

from collections.abc import Collection
from math import isfinite
from numbers import Real
from typing import Any

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.words import line

# Words that no API is known to use while a job still runs: "ready" may mean ready to start, "stopped" that it
# can go on, "ok" that the question was understood.
DONE = frozenset({"done", "finished", "complete", "completed", "succeeded", "success", "successful"})
FAILED = frozenset(
    {
        *("failed", "failure", "error", "errored", "rejected"),
        *("cancelled", "canceled", "aborted", "expired", "timeout", "timed_out"),
    }
)


def standing(state: Any) -> str:
    """Say that a job has not ended, and the state that it was in.

    Examples
    --------
    >>> standing("running"), standing(None)
    ("the job was still 'running'", 'the job had not ended')
    """
    return "the job had not ended" if state is None else f"the job was still {shown(state)}"


def shown(state: Any) -> str:
    """Return a state as a message has it.

    Examples
    --------
    >>> shown("queued"), shown(42)
    ("'queued'", '42')
    """
    return repr(line(state)[:60] if isinstance(state, str) else state)


def key_of(state: Any) -> Any:
    """Return what states are compared by.

    Examples
    --------
    >>> key_of("Succeeded") == key_of("SUCCEEDED"), key_of(100) == key_of(100.0)
    (True, True)
    >>> key_of(True) == key_of(1), key_of("1") == key_of(1)
    (False, False)
    """
    return state.casefold() if isinstance(state, str) else (isinstance(state, bool), state)


def ends(done: Any, failed: Any) -> tuple[frozenset[Any], frozenset[Any]]:
    """Return the states that two options name, as they are compared.

    Raises
    ------
    PlanError
        If they are none, or one is in both.

    Examples
    --------
    >>> ends({"Done", "done"}, ["ERROR"])
    (frozenset({'done'}), frozenset({'error'}))
    """
    well, badly = _listed("done", done), _listed("failed", failed)
    if not well:
        raise PlanError(f"Poll: done={done!r} is empty: the job would never end")
    if well & badly:
        both = next(state for state in done if key_of(state) in badly)
        raise PlanError(f"Poll: {both!r} is in both done and failed: pass both, and it in one of them")
    return well, badly


def _listed(name: str, states: Any) -> frozenset[Any]:
    if isinstance(states, str | bytes) or not isinstance(states, Collection):
        raise PlanError(f"Poll: {name}={states!r} is a set of states, as {{{states!r}}}")
    for state in states:
        if not isinstance(state, str | bool) and not is_number(state):
            raise PlanError(f"Poll: {name}={states!r} holds {state!r}: a state is a text, a number, True or False")
    return frozenset(map(key_of, states))


def is_number(value: Any) -> bool:
    """Whether a value is a number that one can wait for; True is none.

    Examples
    --------
    >>> is_number(1.5), is_number(True), is_number(float("nan")), is_number("1")
    (True, False, False, False)
    """
    return not isinstance(value, bool) and isinstance(value, Real) and isfinite(value)
