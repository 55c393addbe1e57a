"""The readers of tabular formats, as an argument: they make columns, and columns come after bodies."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import pandas as pd

NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})
"""No ``read_options``."""

TextReader = Callable[[str, Mapping[str, Any], Collection[str]], Any]
"""Text, ``read_options`` and the columns to leave as text → a frame, or XML's objects; None if the text is empty."""

BinaryReader = Callable[[bytes], pd.DataFrame]


def _copy_options(format: str, options: Mapping[str, Any] | None) -> dict[str, Any]:  # noqa: A002, ARG001 - the public option's name; any format
    return dict(options or {})


@dataclass(frozen=True, slots=True)
class TabularReaders:
    """The reader of each tabular format; without arguments, no format has one.

    Attributes
    ----------
    text : mapping of str to callable
        Format (``"csv"``, ``"tsv"``, ``"xml"``) to its reader.
    binary : mapping of str to callable
        Format (``"parquet"``, ``"arrow"``) to its reader.
    check_options : callable
        Takes ``format`` and ``read_options`` and returns the options; raises PlanError if the format cannot be read
        with them, or not on this machine.
    from_arrow : callable or None
        Takes what exports an Arrow table and returns a frame.
    """

    text: Mapping[str, TextReader] = field(default_factory=dict)
    binary: Mapping[str, BinaryReader] = field(default_factory=dict)
    check_options: Callable[[str, Mapping[str, Any] | None], dict[str, Any]] = _copy_options
    from_arrow: Callable[[Any], pd.DataFrame] | None = None


NO_TABULAR_READERS = TabularReaders()
