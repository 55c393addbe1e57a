"""A hint about the first answers of a call that says nothing of their shape: what they look like, and what to write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pandas_async_io._core.report.look.shape import build_columns, suggest_shape
from pandas_async_io._core.words import format_count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas_async_io._core.models import Response

_CHECKED_ANSWERS = 3
"""First answers that are looked at: those of one API are alike."""


class FirstAnswers:
    """Looks at the shape of the first answers; the first one that gives a hint is the last.

    Examples
    --------
    >>> from pandas_async_io._core.models import Response
    >>> answers, response = FirstAnswers(), Response(200, {}, b"", "")
    >>> answers.describe(0, response, {"id": 1}), answers.is_done
    (None, False)
    >>> answers.describe(1, response, [{"page": 1, "pages": 4}, [{"id": 1}]])
    'the answer looks like a description of the page and a list of objects: record_path=[1] makes 1 record of it'
    >>> answers.is_done
    True
    """

    __slots__ = ("_answers_left",)

    def __init__(self) -> None:
        self._answers_left = _CHECKED_ANSWERS

    @property
    def is_done(self) -> bool:
        """Whether no other answer needs to be looked at."""
        return self._answers_left <= 0

    def describe(self, position: int, response: Response, payload: Any) -> str | None:  # noqa: ARG002 - called as the describe() of other answer checks
        """Return what an answer looks like and what to write, None if it is what it seems."""
        if type(payload) not in {dict, list} or not payload:  # XML and tables say themselves where their records are
            return None
        self._answers_left -= 1
        found = suggest_shape(payload)
        if found is None or not found.is_sure:
            return None
        columns = build_columns(payload, found.options)
        if columns is None:
            return None
        self._answers_left = 0
        count = format_count(int(columns.counts.sum()), "record")
        return f"the answer looks like {found.description}: {spell_options(found.options)} makes {count} of it"


def spell_options(options: Mapping[str, Any]) -> str:
    """Return options as they are written in a call.

    Examples
    --------
    >>> spell_options({"record_path": "hourly", "orient": "columns"})
    "record_path='hourly', orient='columns'"
    """
    return ", ".join(f"{name}={value!r}" for name, value in options.items())
