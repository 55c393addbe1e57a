"""Where the records of a chain's pages are: decided by the first page, checked on the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.json_path import Key, find_children, find_values, names_element
from pandas_async_io._core.security.secrets import redact_line
from pandas_async_io._core.server_message import find_message
from pandas_async_io._core.table.records.records import extract_records
from pandas_async_io._core.table.records.shape import Shape
from pandas_async_io._core.workflow.paging.envelope import (
    find_record_path,
    is_single_record,
    page_records,
)
from pandas_async_io._core.workflow.paging.page_fields import holds_nothing
from pandas_async_io._core.workflow.paging.paginators.extracted_page import is_end
from pandas_async_io._core.workflow.paging.records.parsed_page import ParsedPage, count_records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.workflow.paging.paginators.paginators import Paginator


class RecordLocator:
    """Finds the records of each page of a chain.

    Parameters
    ----------
    path : sequence of str or int, optional
        The path of the records; found on the first page by default.
    tables : Shape, optional
        Where the records are, if ``orient=`` names another form than a list of objects.

    Attributes
    ----------
    path : tuple of str or int, or None
        The path of the records, once it is known; with a parser, in the page without it.
    columns : sequence of str
        The columns of the first page, if it is a table.
    """

    def __init__(self, path: Sequence[Key] | None, tables: Shape | None = None) -> None:
        self._tables = tables
        self.path: tuple[Key, ...] | None = (None if tables is None else ()) if path is None else tuple(path)
        self.columns: Sequence[str] = ()
        self._first_is_list = False
        self._first_fields: dict[str, Any] = {}

    def find_records(self, payload: Any, *, has_paginator: bool) -> Sequence[Any]:
        """Return the records of a page.

        Raises
        ------
        PlanError
            Several lists of the page may hold the records.
        """
        if self._tables is not None:
            return self._find_table_records(payload, self._tables)
        if self.path is None:
            self.path = self._find_path(payload, is_parsed=False, has_paginator=has_paginator)
        if not self.path and isinstance(payload, dict) and holds_nothing(payload):
            return []
        return page_records(payload, self.path or ())

    def _find_table_records(self, payload: Any, tables: Shape) -> Sequence[Any]:
        """Return the records of a page of tables, or the list of objects around its tables.

        Raises
        ------
        ParseError
            The row of the names is not the one of page 1.
        """
        value, path = payload, tables.record_path or ()
        for key in path:
            if isinstance(value, list) and not names_element(value, key):
                return value
            children = find_children(value, key)
            value = children if key == "*" else next(iter(children), None)
        if isinstance(payload, pd.DataFrame):
            return page_records(payload, ())
        try:
            records = extract_records(payload, tables)
        except ParseError:  # the flattener fails at the same place and says so
            return page_records(payload, path)
        if isinstance(tables.names, int) and records:
            names = list(records[0])
            self.columns = self.columns or names
            if self.lacks_header(names):
                text = f"its row {tables.names} holds {names[:10]}, not the names {list(self.columns)[:10]} of page 1"
                raise ParseError(f"{text}: pass names= as a list")
        return records

    def find_parsed_records(self, page: ParsedPage, paginator: Paginator | None) -> Sequence[Any]:
        """Return the records that decide how long a page is which the call's parser has read."""
        if self.path is None:
            self.path = self._find_path(page.envelope, is_parsed=True, has_paginator=True)
        return count_records(page, self.path, paginator)

    def _find_path(self, payload: Any, *, is_parsed: bool, has_paginator: bool) -> tuple[Key, ...] | None:
        """Return the path of the records, None if unknown. Without a paginator the payload may be a record itself."""
        try:
            path = find_record_path(payload)
        except PlanError:
            if is_parsed:
                return None
            if has_paginator:
                raise
            return ()
        return () if not has_paginator and is_single_record(payload, path) else path

    def note_first_page(self, payload: Any) -> None:
        """Remember what the first page is and which fields its envelope has."""
        self._first_is_list = isinstance(payload, list)
        if isinstance(payload, dict):
            self._first_fields = {name: value for name, value in payload.items() if not isinstance(value, dict | list)}

    def check_kind(self, number: int, payload: Any) -> None:
        """Check that a page is a list if the first one is, and that one without the records is no message.

        Raises
        ------
        ParseError
            The page is an object in place of a list, or a message in place of an envelope.
        """
        if self._first_is_list and isinstance(payload, dict):
            message = redact_line(find_message(payload)) or "an object"
            raise ParseError(f"expected a list as on page 1, found: {message}")
        if number > 1 and self.path and isinstance(payload, dict) and not self.is_empty_page(number, payload):
            message = "" if find_values(payload, self.path[:1]) else redact_line(find_message(payload))
            if message:
                raise ParseError(f"record_path {list(self.path)} is not on this page, which says: {message}")

    def lacks_header(self, columns: Sequence[Any]) -> bool:
        """Whether a table's column names are its first record: some APIs write a header on the first page only.

        Raises
        ------
        ParseError
            The column names are neither those of page 1 nor a record of the same table.

        Examples
        --------
        >>> locator = RecordLocator(None)
        >>> locator.columns = ["id", "name"]
        >>> [locator.lacks_header(each) for each in (["20", "Ada"], ["2", "name"], ["name", "id"])]
        [True, True, False]
        """
        names, first_names = set(columns), set(self.columns)
        if not first_names or names >= first_names or names <= first_names:
            return False
        if len(columns) == len(self.columns):
            return True
        raise ParseError(
            f"this page's columns, {list(columns)[:10]}, are not those of page 1, {list(self.columns)[:10]}"
        )

    def is_empty_page(self, number: int, payload: Any, *, is_parsed: bool = False) -> bool:
        """Whether a page leaves its empty list out, as protocol buffers do, and says nothing else."""
        if not isinstance(payload, dict) or not payload:
            return isinstance(payload, dict)
        if number > 1 and (is_parsed or not self.path) and holds_nothing(payload):
            return True
        if is_parsed:
            return False
        first = self._first_fields if number > 1 else {}
        lacks_records = bool(self.path and not find_values(payload, self.path[:1]))
        return lacks_records and all(
            name in first and (is_end(value) or first[name] == value) for name, value in payload.items()
        )

    def extract(self, payload: Any) -> Any:
        """Return the records at the path.

        Raises
        ------
        ParseError
            The page has no records there.
        """
        return extract_records(payload, Shape(record_path=self.path))
