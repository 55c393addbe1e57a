"""The states of a job: in which it has ended, how they are compared, how they are told."""

from __future__ import annotations

from collections.abc import Collection
from math import isfinite
from numbers import Real
from typing import Any

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.security.secrets import redact_line

# Words that no API is known to use while a job still runs: "ready" may mean ready to start, "stopped" that it
# can go on, "ok" that the question was understood.
DONE_STATES = frozenset({"done", "finished", "complete", "completed", "succeeded", "success", "successful"})
FAILED_STATES = frozenset(
    {
        *("failed", "failure", "error", "errored", "rejected"),
        *("cancelled", "canceled", "aborted", "expired", "timeout", "timed_out"),
    }
)


def describe_unfinished(state: Any) -> str:
    """Say that a job has not ended, and the state that it was in.

    Examples
    --------
    >>> describe_unfinished("running"), describe_unfinished(None)
    ("the job was still 'running'", 'the job had not ended')
    """
    return "the job had not ended" if state is None else f"the job was still {quote_state(state)}"


def quote_state(state: Any) -> str:
    """Return a state as a message has it.

    Examples
    --------
    >>> quote_state("queued"), quote_state(42)
    ("'queued'", '42')
    """
    return repr(redact_line(state)[:60] if isinstance(state, str) else state)


def state_key(state: Any) -> Any:
    """Return what states are compared by.

    Examples
    --------
    >>> state_key("Succeeded") == state_key("SUCCEEDED"), state_key(100) == state_key(100.0)
    (True, True)
    >>> state_key(True) == state_key(1), state_key("1") == state_key(1)
    (False, False)
    """
    return state.casefold() if isinstance(state, str) else (isinstance(state, bool), state)


def compile_end_states(done: Any, failed: Any) -> tuple[frozenset[Any], frozenset[Any]]:
    """Return the states that two options name, as they are compared.

    Raises
    ------
    PlanError
        If they are none, or one is in both.

    Examples
    --------
    >>> compile_end_states({"Done", "done"}, ["ERROR"])
    (frozenset({'done'}), frozenset({'error'}))
    """
    well, badly = _compile_states("done", done), _compile_states("failed", failed)
    if not well:
        raise PlanError(f"Poll: done={done!r} is empty: the job would never end")
    if well & badly:
        both = next(state for state in done if state_key(state) in badly)
        raise PlanError(f"Poll: {both!r} is in both done and failed: pass both, and it in one of them")
    return well, badly


def _compile_states(name: str, states: Any) -> frozenset[Any]:
    if isinstance(states, str | bytes) or not isinstance(states, Collection):
        raise PlanError(f"Poll: {name}={states!r} is a set of states, as {{{states!r}}}")
    for state in states:
        if not isinstance(state, str | bool) and not is_number(state):
            raise PlanError(f"Poll: {name}={states!r} holds {state!r}: a state is a text, a number, True or False")
    return frozenset(map(state_key, states))


def is_number(value: Any) -> bool:
    """Whether a value is a number that one can wait for; True is none.

    Examples
    --------
    >>> is_number(1.5), is_number(True), is_number(float("nan")), is_number("1")
    (True, False, False, False)
    """
    return not isinstance(value, bool) and isinstance(value, Real) and isfinite(value)
