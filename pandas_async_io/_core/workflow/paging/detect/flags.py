"""The flag of a page that says whether there are more pages, as ``has_more`` or ``isLast``."""

from __future__ import annotations

from typing import Any

from pandas_async_io._core.workflow.paging.paging_vocabulary import LAST_FLAGS, MORE_FLAGS, snake_case

_TRUTH = {"true": True, "yes": True, "false": False, "no": False}


def find_flag(envelopes: tuple[tuple[str, dict[str, Any]], ...], *, single_record: bool) -> tuple[str, bool] | None:
    """Return a flag that says there are more pages, or else one that says there are none.

    In a single record only a name such as ``has_more`` counts: ``done`` or ``last`` may be its own fields.

    Examples
    --------
    >>> find_flag((("meta.", {"isLast": False}),), single_record=False)
    ('meta.isLast', True)
    """
    flags = [
        (prefix + key, more)
        for prefix, fields in envelopes
        for key, value in fields.items()
        if (more := _flag_value(snake_case(key), value)) is not None and (key.startswith("has") or not single_record)
    ]
    return next((each for each in flags if each[1]), flags[0] if flags else None)


def _flag_value(name: str, value: Any) -> bool | None:
    """Return whether a field says that there are more pages; None for any other field."""
    truth = value if isinstance(value, bool) else None
    if isinstance(value, str):
        truth = _TRUTH.get(value.strip().lower())
    if name in LAST_FLAGS:
        return None if truth is None else not truth
    if name not in MORE_FLAGS:
        return None
    return truth if truth is not None or str(value) not in {"0", "1"} else str(value) == "1"
