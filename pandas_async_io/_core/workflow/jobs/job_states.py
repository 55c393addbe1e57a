"""The states of a job: which ones end it, how they are compared, how a message quotes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.numbers import as_number
from pandas_async_io._core.option_values import list_members
from pandas_async_io._core.security.secrets import redact_line
from pandas_async_io._core.words import show_value

# Only words that no known API uses for a running job: "ready" may mean ready to start, "stopped" may be resumed,
# "ok" may mean that the request was understood.
DONE_STATES = frozenset({"done", "finished", "complete", "completed", "succeeded", "success", "successful"})
FAILED_STATES = frozenset(
    {
        *("failed", "failure", "error", "errored", "rejected"),
        *("cancelled", "canceled", "aborted", "expired", "timeout", "timed_out"),
    }
)

_MAX_QUOTED_STATE = 60


def describe_unfinished(state: Any) -> str:
    """Return a sentence that says the job has not ended, with its last state.

    Examples
    --------
    >>> describe_unfinished("running"), describe_unfinished(None)
    ("the job was still 'running'", 'the job had not ended')
    """
    return "the job had not ended" if state is None else f"the job was still {quote_state(state)}"


def quote_state(state: Any) -> str:
    """Return a state as a message shows it: short and without secrets.

    Examples
    --------
    >>> quote_state("queued"), quote_state(42)
    ("'queued'", '42')
    """
    return repr(redact_line(state)[:_MAX_QUOTED_STATE] if isinstance(state, str) else state)


def state_key(state: Any) -> Any:
    """Return the key by which states are compared: texts without case, numbers by value, True apart from 1.

    Examples
    --------
    >>> state_key("Succeeded") == state_key("SUCCEEDED"), state_key(100) == state_key(100.0)
    (True, True)
    >>> state_key(True) == state_key(1), state_key("1") == state_key(1)
    (False, False)
    """
    return state.casefold() if isinstance(state, str) else (isinstance(state, bool | np.bool_), state)


def compile_end_states(done: Any, failed: Any) -> tuple[frozenset[Any], frozenset[Any]]:
    """Return the keys of the states in ``done`` and in ``failed``.

    Raises
    ------
    PlanError
        An option is not a collection of states, ``done`` is empty, or a state is in both.

    Examples
    --------
    >>> compile_end_states({"Done", "done"}, ["ERROR"])
    (frozenset({'done'}), frozenset({'error'}))
    """
    done_keys, failed_keys = _compile_states("done", done), _compile_states("failed", failed)
    if not done_keys:
        raise PlanError(f"Poll: done={show_value(done)} is empty: the job would never end")
    if done_keys & failed_keys:
        both = next(state for state in done if state_key(state) in failed_keys)
        raise PlanError(
            f"Poll: {show_value(both)} is in both done and failed: pass both options, with it in one of them"
        )
    return done_keys, failed_keys


def _compile_states(name: str, states: Any) -> frozenset[Any]:
    members = list_members(states)
    if members is None:
        shown = show_value(states)
        raise PlanError(f"Poll: {name}={shown} is not a set of states: write {{{shown}}}")
    for state in members:
        if not isinstance(state, str | bool | np.bool_) and as_number(state) is None:
            raise PlanError(
                f"Poll: {name}={show_value(states)} holds {show_value(state)}: "
                "a state is a text, a number, True or False"
            )
    return frozenset(map(state_key, members))
