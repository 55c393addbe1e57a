"""A frame as an Arrow table; a later one with the schema of the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import DriftError
from pandas_async_io._core.table.readers.arrow import import_pyarrow

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd


def make_arrow_table(frame: pd.DataFrame, schema: Any = None, *, has_index: bool = False) -> Any:
    """Return a frame as a table.

    Parameters
    ----------
    frame : DataFrame
        The rows.
    schema : pyarrow.Schema, optional
        Of the table that came first.
    has_index : bool
        Whether the index becomes columns.

    Raises
    ------
    DriftError
        A cell does not fit the schema, or a column holds what Arrow cannot.

    Examples
    --------
    >>> import pandas as pd
    >>> first = make_arrow_table(pd.DataFrame({"a": [{"b": 1}]}))
    >>> make_arrow_table(pd.DataFrame({"a": [{"c": 1}]}), first.schema)
    Traceback (most recent call last):
    pandas_async_io._core.errors.DriftError: column 'a': struct<c: int64> is not the struct<b: int64> of ...
    """
    pa = import_pyarrow()
    frame = frame.copy(deep=False)
    frame.attrs = {}
    frame.columns = [str(name) for name in frame.columns]
    if schema is not None:
        for name, found, wanted in _find_nested(pa, frame, schema):
            if not _fits(pa, found, wanted):
                raise DriftError(
                    f"column {name!r}: {found} is not the {wanted} of the first part. Write schema={{{name!r}: …}} "
                    "with a type that fits all records, or columns=[…] to leave it out"
                )
    try:
        table = pa.Table.from_pandas(frame, schema=schema, preserve_index=has_index)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        text = "; ".join(map(str, error.args))
        raise DriftError(
            f"a column does not fit a Parquet column of one type: {text}. Write its type in schema={{…}}, as 'string' "
            "or 'float64', or columns=[…] to leave it out"
        ) from None
    return table if schema is None else table.replace_schema_metadata(schema.metadata)


def _find_nested(pa: Any, frame: pd.DataFrame, schema: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield each column of lists or objects, with its own type and the schema's: Arrow drops fields without a word."""
    for name in frame.columns:
        at = schema.get_field_index(name)
        if at >= 0 and pa.types.is_nested(schema.field(at).type):
            try:
                yield name, pa.array(frame[name], from_pandas=True).type, schema.field(at).type
            except (pa.ArrowException, TypeError, ValueError, OverflowError):
                continue  # with the schema it raises, too


def _fits(pa: Any, found: Any, wanted: Any) -> bool:
    """Whether every field of a type is in another."""
    types = pa.types
    if types.is_struct(found) and types.is_struct(wanted):
        names = {field.name: field.type for field in wanted}
        return all(field.name in names and _fits(pa, field.type, names[field.name]) for field in found)
    if types.is_list(found) and types.is_list(wanted):
        return _fits(pa, found.value_type, wanted.value_type)
    return bool(types.is_nested(found) == types.is_nested(wanted) or types.is_null(found))
