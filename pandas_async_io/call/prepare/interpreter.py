"""What reads the bodies of a call: its options, and those of its client."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pandas_async_io._core.body.graphql_errors import graphql_error
from pandas_async_io._core.body.interpret import Interpreter, compile_interpreter
from pandas_async_io._core.table.readers.tabular import TABULAR_READERS
from pandas_async_io.call.prepare.limits import TimedParser
from pandas_async_io.call.prepare.request_body import find_query

if TYPE_CHECKING:
    from collections.abc import Collection

    from pandas_async_io.client import Client
    from pandas_async_io.options import FetchOptions, ReadOptions


def compile_call_interpreter(
    options: FetchOptions | ReadOptions, client: Client, text_columns: Collection[str], columns: Collection[str]
) -> Interpreter:
    """Check the options that decide how bodies are read, and compile them.

    Parameters
    ----------
    text_columns : collection of str
        Columns of tables that stay text, for the schema to convert.
    columns : collection of str
        Fields of the records that ``columns`` and ``schema`` name.

    Raises
    ------
    PlanError
        An option is invalid.
    """
    interpreter = compile_interpreter(
        format=options.format,
        strict_json=client.strict_json,
        read_options=options.read_options,
        text_columns=text_columns,
        columns=columns if options.record_path is None else (),
        parser=options.parser,
        empty_when=options.empty_when,
        error_when=options.error_when,
        find_error=None if find_query(options) is None else graphql_error,
        readers=TABULAR_READERS,
        max_body=client.transport.options.max_body,
    )
    if options.parser is None:
        return interpreter
    return replace(interpreter, parser=TimedParser(options.parser))
