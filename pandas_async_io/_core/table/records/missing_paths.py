"""What to say about a path of ``record_path=``, ``meta=`` or ``explode=`` that answers leave out.

An answer that found nothing often leaves the path out, so one is no failure; that none has it is worth a hint. So is
an element of XML that holds the records of one answer and is a field of another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from pandas_async_io._core.body.xml.document import XmlDocument
from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.security.secrets import redact_line
from pandas_async_io._core.server_message import find_message
from pandas_async_io._core.table.records.list_cells import find_keys
from pandas_async_io._core.table.records.nearest_path import find_nearest_path, write_path
from pandas_async_io._core.table.records.records import NOT_FOUND, walk_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pandas_async_io._core.table.records.shape import Path, Shape

_MAX_COMPARED = 3
"""Answers of a block in which a missing path is looked for elsewhere."""

_MAX_KEYS = 10
"""Keys of an answer that a hint lists."""


class MissingPaths(NamedTuple):
    """What a run says about its paths.

    Attributes
    ----------
    hints : tuple of str
        One for each path.
    is_error : bool
        Whether no answer has one of the paths.
    """

    hints: tuple[str, ...] = ()
    is_error: bool = False


NO_MISSING_PATHS = MissingPaths()


@dataclass(slots=True)
class PathSearch:
    """What the answers of a block show about one path.

    Attributes
    ----------
    option : str
        The option that names the path.
    path : tuple of str or int
        The path.
    is_found : bool
        Whether an answer has it.
    lacking : int
        Answers that do not have it.
    nearest, keys, message : str
        The path that may be meant, the keys and the message of the first answer without it; "" if there are none.
    """

    option: str
    path: Path
    is_found: bool = False
    lacking: int = 0
    nearest: str = ""
    keys: str = ""
    message: str = ""

    def note_without_records(self, payload: Any) -> None:
        """Take an answer without records: it may hold an empty list, or no list at all."""
        if payload is None or payload == [] or (self.is_found and self.lacking >= _MAX_COMPARED):
            return
        try:
            found = walk_path(payload, self.path)
        except ParseError:
            return
        if any(value is not NOT_FOUND for _, value in found):
            self.is_found = True
        elif found:
            self.note_missing(payload)

    def note_missing(self, payload: Any) -> None:
        """Take an answer that lacks the path."""
        self.lacking += 1
        if self.lacking > _MAX_COMPARED:
            return
        self.nearest = self.nearest or find_nearest_path(payload, self.path, to_scalars=self.option == "meta") or ""
        first = payload[0] if isinstance(payload, list) else payload
        if isinstance(first, dict):
            self.keys = self.keys or ", ".join(redact_line(repr(key)) for key in list(first)[:_MAX_KEYS])
        self.message = self.message or redact_line(find_message(payload))


def begin_searches(shape: Shape) -> tuple[tuple[PathSearch, ...], tuple[PathSearch, ...]]:
    """Return the searches of a block: those of ``record_path`` and ``meta``, and those of ``explode``."""
    exploded = tuple(PathSearch("explode", (name,)) for name in shape.explode)
    if shape.record_path is None:
        return (), exploded
    meta = (PathSearch("meta", path) for path in shape.meta)
    return (PathSearch("record_path", shape.record_path), *meta), exploded


def note_payload(
    searches: Sequence[PathSearch], payload: Any, lists: Sequence[tuple[list[Any], Any]], *, has_records: bool
) -> None:
    """Take an answer and its lists of records, each with its ``meta`` fields."""
    if has_records:
        searches[0].is_found = True
    else:
        searches[0].note_without_records(payload)
    if len(searches) == 1:
        return
    for at, search in enumerate(searches[1:]):
        if any(fields[at] is not NOT_FOUND for fields, _ in lists):
            search.is_found = True
        elif lists:
            search.note_missing(payload)


def note_explode(searches: Sequence[PathSearch], lists: Sequence[tuple[Any, Sequence[Any]]], sep: str) -> None:
    """Take the records of an answer before they are exploded."""
    for search in searches:
        records = () if search.is_found else chain.from_iterable(records for _, records in lists)
        name = str(search.path[0])
        for record in records:
            if find_keys(record, name, sep):
                search.is_found = True
                break
            if search.lacking < _MAX_COMPARED:
                search.note_missing(record)


def describe_missing_paths(searches: Iterable[PathSearch]) -> MissingPaths:
    """Return what to say about the paths of a run, from the searches in all blocks.

    Examples
    --------
    >>> search = PathSearch("record_path", ("itmes",))
    >>> search.note_without_records({"items": [{"id": 1}]})
    >>> describe_missing_paths([search])
    MissingPaths(hints=("no answer has record_path='itmes'; nearest: record_path='items'",), is_error=True)
    """
    by_path: dict[tuple[str, Path], list[PathSearch]] = {}
    for search in searches:
        by_path.setdefault((search.option, search.path), []).append(search)
    hints, is_error = [], False
    for (option, path), found in by_path.items():
        lacking = [search for search in found if search.lacking]
        if not lacking:
            continue
        shown = f"{option}={redact_line(repr(path[0])) if option == 'explode' else write_path(path)}"
        message = next((search.message for search in lacking if search.message), "")
        if not any(search.is_found for search in found):
            is_error |= option != "explode"
            nearest = next((f"; nearest: {option}={search.nearest}" for search in lacking if search.nearest), "")
            if nearest.endswith(f"={str(path[0])!r}"):  # `explode` takes a list of the record, not one of its lists'
                nearest = f"; it is in another list: record_path={str(path[0])!r} and meta= make rows of its elements"
            keys = next((f"; the first one has {search.keys}" for search in lacking if search.keys), "")
            says = f", and says: {message}" if message and option != "explode" else ""
            hints.append(f"no {'record' if option == 'explode' else 'answer'} has {shown}{nearest or keys}{says}")
        elif message and option != "explode":
            hints.append(f"an answer without {shown} says: {message}")
    return MissingPaths(tuple(hints), is_error)


class XmlPaths(NamedTuple):
    """Where XML documents have their records without a ``record_path``, and the fields of those that are one record."""

    paths: frozenset[tuple[str, ...]] = frozenset()
    fields: frozenset[str] = frozenset()


NO_XML_PATHS = XmlPaths()


def find_xml_paths(payloads: Sequence[Any]) -> XmlPaths:
    """Return where the XML documents among payloads have their records."""
    documents = [payload for payload in payloads if isinstance(payload, XmlDocument)]
    if not documents:
        return NO_XML_PATHS
    single = (document for document in documents if document.record_path is None)
    paths = frozenset(document.record_path for document in documents if document.record_path is not None)
    return XmlPaths(paths, frozenset(chain.from_iterable(single)))


def describe_xml_paths(found: Iterable[XmlPaths]) -> tuple[str, ...]:
    """Return what to say about documents of which one has its records where another one has a field.

    Examples
    --------
    >>> describe_xml_paths([XmlPaths(frozenset({("user",)}), frozenset({"next", "user"}))])
    ("'user' holds the records of some XML answers and is a field of others: record_path='user' reads it alike",)
    """
    found = tuple(found)
    fields = frozenset[str]().union(*(each.fields for each in found))
    paths = sorted(frozenset[tuple[str, ...]]().union(*(each.paths for each in found)))
    for path in paths:
        if path[0] in fields or any(path[: len(other)] == other for other in paths if len(other) < len(path)):
            shown = write_path(path)
            text = f"{shown} holds the records of some XML answers and is a field of others"
            return (redact_line(f"{text}: record_path={shown} reads it alike"),)
    return ()
