"""A frame as an Arrow table; a later one with the schema of the first."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import DriftError, PlanError
from pandas_async_io._core.table.readers.arrow import import_pyarrow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

NO_TYPES: Mapping[str, Any] = MappingProxyType({})


def make_arrow_table(
    frame: pd.DataFrame, schema: Any = None, *, has_index: bool = False, own_types: Mapping[str, Any] = NO_TYPES
) -> Any:
    """Return a frame as a table.

    Parameters
    ----------
    frame : DataFrame
        The rows.
    schema : pyarrow.Schema, optional
        Of the table that came first.
    has_index : bool
        Whether the index becomes columns.
    own_types : mapping of str to pyarrow.DataType
        As `find_own_types` returns them.

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
    if schema is not None:
        return table.replace_schema_metadata(schema.metadata)
    fields = [field.with_type(own_types.get(field.name, field.type)) for field in table.schema]
    return table.cast(pa.schema(fields, table.schema.metadata))


def find_own_types(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the Arrow types of a frame's columns, of all its rows: the first part may hold nulls only.

    Raises
    ------
    PlanError
        A column holds values of several types.
    """
    pa = import_pyarrow()
    types = {}
    for at, name in enumerate(frame.columns):
        try:
            types[str(name)] = pa.array(frame.iloc[:, at], from_pandas=True).type
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            text = "; ".join(map(str, error.args))
            raise PlanError(
                f"column {name!r} of the frame has no one type for Parquet ({text}): convert it, as with "
                f".astype('string'), or pass join=False"
            ) from None
    return types


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
