"""Whole columns → the types of a schema and of a backend.

Invariant: a value that does not fit fails its own request; it is never a missing value, nor another row's failure.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.security.secrets import redact_line
from pandas_async_io._core.table.records.missing_columns import describe_missing_schema
from pandas_async_io._core.table.types.cast import cast_iso_times
from pandas_async_io._core.table.types.dtype_backend import to_backend
from pandas_async_io._core.table.types.epoch import cast_epochs, describe_epochs, find_epoch_unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pandas_async_io._core.arrays import Array
    from pandas_async_io._core.table.columns.columns import Columns
    from pandas_async_io._core.table.types.schema import Field

_MAX_SHOWN_CHARACTERS = 60


def apply_schema(columns: Columns, schema: Mapping[str, Field], *, backend: str | None, nullable: bool) -> Columns:
    """Convert the columns of a schema to its types, and all others to those of a backend.

    Parameters
    ----------
    columns : Columns
        As `concat_blocks` returns them.
    schema : mapping of str to Field
        From `compile_schema`; a column that no record has is added.
    backend : {"numpy_nullable", "pyarrow"} or None
        See `to_backend`.
    nullable : bool
        As for `concat_blocks`.

    Returns
    -------
    Columns
        Without the records of a request with a misfit, a value that does not fit; its failure is among ``failures``.

    Examples
    --------
    >>> from pandas_async_io._core.table.columns.columns import Columns
    >>> from pandas_async_io._core.table.types.schema import compile_schema
    >>> columns = Columns({"id": np.array(["7", "x"], object)}, {}, np.array([1, 1]), {})
    >>> done = apply_schema(columns, compile_schema({"id": "int64"}), backend=None, nullable=False)
    >>> done.arrays["id"], done.failures
    (array([7]), {1: ParseError("schema: column 'id': 'x' is not int64")})
    """
    if not schema and backend is None:
        return columns
    size = int(columns.counts.sum())
    sources = {name: columns.arrays.get(name, np.full(size, None, object)) for name in schema}
    casts = {name: _cast_column(sources[name], field) for name, field in schema.items()}
    failures: dict[int, ParseError] = {}
    hints, notes = [*columns.hints], [*columns.notes]
    for name, cast in casts.items():
        epoch_hints, epoch_notes = describe_epochs(name, schema[name].epoch_unit, cast.epoch_unit)
        hints += epoch_hints
        notes += epoch_notes
        for request, error in _describe_misfits(cast.misfits, columns.counts, sources[name], name, schema[name].spec):
            failures.setdefault(request, error)
    counts = columns.counts.copy()
    counts[list(failures)] = 0
    keep = np.repeat(counts == columns.counts, columns.counts) if failures else None
    drifted = {name: kinds for name, kinds in columns.drifted.items() if name not in schema}
    arrays: dict[str, Array] = {}
    for name in dict.fromkeys([*columns.arrays, *schema]):
        if name in casts:
            cells, gaps = casts[name].select(keep)
            arrays[name] = schema[name].build_array(cells, gaps, backend=backend, nullable=nullable)
        else:
            array = columns.arrays[name] if keep is None else columns.arrays[name][keep]
            arrays[name] = to_backend(array, backend, drifted=name in drifted)
    missing = [name for name in schema if name not in columns.arrays] if size else []
    others = [name for name in columns.arrays if name not in schema]
    return replace(
        columns,
        arrays=arrays,
        drifted=drifted,
        counts=counts,
        failures={**columns.failures, **failures},
        missing_columns=(*columns.missing_columns, *describe_missing_schema(missing, others)),
        hints=tuple(hints),
        notes=tuple(notes),
    )


def _describe_misfits(
    misfits: NDArray[np.intp], counts: NDArray[np.int64], cells: Array, name: str, spec: str
) -> list[tuple[int, ParseError]]:
    """Return each misfit's request and error."""
    ends = np.cumsum(counts)
    requests = np.searchsorted(ends, misfits, side="right")
    found = []
    for record, request in zip(misfits.tolist(), requests.tolist(), strict=True):
        count = int(counts[request])
        where = f"record {record - int(ends[request]) + count + 1} of {count}, " if count > 1 else ""
        shown = repr(cells[record])
        shown = shown if len(shown) <= _MAX_SHOWN_CHARACTERS else f"{shown[:_MAX_SHOWN_CHARACTERS]}…"
        found.append((request, ParseError(redact_line(f"schema: {where}column {name!r}: {shown} is not {spec}"))))
    return found


def _cast_column(array: Array, target: Field) -> _CastColumn:
    """Cast the cells of a column that fit."""
    gaps = np.asarray(pd.isna(array))
    if target.kind in {"int", "float", "bool"} and getattr(array.dtype, "numpy_dtype", array.dtype) == target.dtype:
        return _CastColumn(array, gaps)
    cells = np.asarray(array.astype(object), dtype=object).copy()
    epoch_unit: str | None = None
    if target.kind == "time":
        values = cells[~gaps].tolist()
        times = cast_iso_times(values, target.dtype)
        if times is None and (epoch_unit := find_epoch_unit(values)) is not None:
            target = target if target.epoch_unit else target.with_epoch_unit(epoch_unit)
            times = cast_epochs(values, target.epoch_unit or epoch_unit, target.dtype)
        if times is not None:
            positions = np.where(gaps, -1, np.cumsum(~gaps) - 1)
            return _CastColumn(times.take(positions, allow_fill=True), gaps, epoch_unit=epoch_unit)
    misfits = []
    for at in np.flatnonzero(~gaps).tolist():
        try:
            cells[at] = target.cast(cells[at])
        except (ValueError, OverflowError, TypeError):
            misfits.append(at)
    return _CastColumn(cells, gaps, np.array(misfits, np.intp), epoch_unit)


@dataclass(frozen=True, slots=True)
class _CastColumn:
    """A column whose cells are cast, except in ``gaps`` and at ``misfits``; ``epoch_unit``: by its numbers' size."""

    cells: Array
    gaps: NDArray[np.bool_]
    misfits: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
    epoch_unit: str | None = None

    def select(self, keep: NDArray[np.bool_] | None) -> tuple[Array, NDArray[np.bool_]]:
        """Return the cells and gaps of the records to keep; None: of all."""
        return (self.cells, self.gaps) if keep is None else (self.cells[keep], self.gaps[keep])
