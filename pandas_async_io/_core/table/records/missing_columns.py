"""What to say about a column that no record has: the name that was meant."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from pandas_async_io._core.security.secrets import redact_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_MAX_NAME_CHARACTERS = 100
_MAX_NAMES = 5
"""Names of a record that a hint lists."""


NO_LISTS: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class Selection(NamedTuple):
    """What ``columns=`` selects, beside what a block's first record has.

    Attributes
    ----------
    columns : mapping of str to str
        Flat name to name in the result.
    found : tuple of str
        The flat names of the first record.
    lists : mapping of str to tuple of str
        Its fields that hold a list of objects, and the names in the first of them.
    outside : tuple of str
        The flat names beside the records of a ``record_path``.
    """

    columns: Mapping[str, str]
    found: tuple[str, ...]
    lists: Mapping[str, tuple[str, ...]] = NO_LISTS
    outside: tuple[str, ...] = ()


def describe_missing_columns(names: Iterable[str], selections: Sequence[Selection]) -> tuple[str, ...]:
    """Return what to say about columns of ``columns=`` that no record has; equal hints once.

    Parameters
    ----------
    names : iterable of str
        Their names in the result.
    selections : sequence of Selection
        Of the blocks that lack one; none if there are no records with fields.

    Examples
    --------
    >>> selection = Selection({"nmae": "name", "city": "address.city"}, ("name", "address.city"))
    >>> describe_missing_columns(["name"], [selection])
    ("no record has 'nmae': nearest: 'name'",)
    >>> describe_missing_columns(["address.city"], [selection])
    ("no record has 'city': columns= maps a record's names to yours, as {'address.city': 'city'}",)
    """
    found = dict.fromkeys(name for selection in selections for name in selection.found)
    sources = {name: source for selection in selections for source, name in selection.columns.items()}
    by_hint: dict[str, list[str]] = {}
    for name in names if selections else ():
        source = sources.get(name, name)
        if source != name and name in found and not _find_similar(source, [name]):
            hint = f"columns= maps a record's names to yours, as {{{_show(name)}: {_show(source)}}}"
        else:
            hint = _find_hint(source, list(found), selections)
        by_hint.setdefault(hint, []).append(_show(source))
    return tuple(f"no record has {', '.join(shown)}: {hint}" for hint, shown in by_hint.items())


def _find_hint(name: str, found: Sequence[str], selections: Sequence[Selection]) -> str:
    """Return what to say about a name that no record has."""
    outside = next((each for selection in selections for each in selection.outside if each == name), None)
    if outside is not None:
        return f"it is outside of the records: add meta=[{_show(name)}]"
    for path, keys in ((path, keys) for selection in selections for path, keys in selection.lists.items()):
        if name.removeprefix(f"{path}.") in keys:
            return f"it is in a list: record_path={_show(path)}, columns=[{_show(name.removeprefix(f'{path}.'))}]"
    nearest = find_nearest(name, found)
    if nearest is not None:
        return f"nearest: {_show(nearest)}"
    if not found:
        return "columns= takes flat names, as 'address.city'"
    more = ", …" if len(found) > _MAX_NAMES else ""
    return f"the first one has {', '.join(map(_show, found[:_MAX_NAMES]))}{more}"


def describe_missing_schema(names: Iterable[str], found: Sequence[str]) -> tuple[str, ...]:
    """Return what to say about columns of ``schema=`` that no record has: nothing of one that may be optional.

    Parameters
    ----------
    names : iterable of str
        Their names.
    found : sequence of str
        The columns that the schema does not name.

    Examples
    --------
    >>> describe_missing_schema(["zipp", "deleted_at"], ["zip", "name"])
    ("no record has 'zipp', which schema= names: nearest: 'zip'",)
    """
    nearest = ((name, find_nearest(name, found)) for name in names)
    return tuple(
        f"no record has {_show(name)}, which schema= names: nearest: {_show(near)}"
        for name, near in nearest
        if near is not None
    )


def find_nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name that was probably meant; None if none is near.

    Examples
    --------
    >>> find_nearest("city", ["name", "address.city"]), find_nearest("Name", ["name"]), find_nearest("x", ["name"])
    ('address.city', 'name', None)
    """
    folded = {each.casefold(): each for each in names}
    wanted = name.strip().casefold()
    related = [each for each in folded if each.endswith(f".{wanted}") or each.startswith(f"{wanted}.")]
    nearest = [wanted] if wanted in folded else related or _find_similar(wanted, folded)
    return folded[nearest[0]] if nearest else None


def _find_similar(name: str, names: Iterable[str]) -> list[str]:
    from difflib import get_close_matches  # noqa: PLC0415 - keeps the import of this package fast

    return get_close_matches(name, names, n=1)


def _show(name: str) -> str:
    return redact_line(repr(name[:_MAX_NAME_CHARACTERS]))
