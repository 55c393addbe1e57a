"""The names of a frame's fields: its columns and index levels, as a template may write them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class FieldNames:
    """The names that are fields as they are called, beside RFC 6570's spelling.

    Attributes
    ----------
    names : frozenset of str
        The names of columns and index levels.

    Examples
    --------
    >>> names = FieldNames(frozenset({"User ID", "größe"}))
    >>> "größe" in names, "user id" in names
    (True, False)
    >>> names.find_nearly(" user id "), names.find_nearly("größe"), names.find_nearly("user")
    ('User ID', None, None)
    """

    names: frozenset[str] = frozenset()
    _folded: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        folded = {name.strip().casefold(): name for name in sorted(self.names, reverse=True)}
        object.__setattr__(self, "_folded", folded)

    def __contains__(self, name: str) -> bool:
        """Whether a column or an index level has exactly this name."""
        return name in self.names

    def find_nearly(self, name: str) -> str | None:
        """Return the name that differs only in case or in outer white space; None if there is none."""
        return None if name in self.names else self._folded.get(name.strip().casefold())


NO_FIELD_NAMES = FieldNames()


def list_field_names(frame: pd.DataFrame) -> FieldNames:
    """Return the names of a frame's columns and index levels.

    Examples
    --------
    >>> import pandas as pd
    >>> sorted(list_field_names(pd.DataFrame({("geo", "lat"): [1], (7, ""): [2]}).rename_axis("row")).names)
    ['7', 'geo.lat', 'row']
    """
    levels = [name for name in frame.index.names if name is not None]
    return FieldNames(frozenset(map(format_label, [*frame.columns, *levels])))


def format_label(label: Any) -> str:
    """Return the field name of a label. The levels of a tuple are joined by dots, without empty ones.

    Examples
    --------
    >>> format_label(("geo", "lat")), format_label((7, "")), format_label(7)
    ('geo.lat', '7', '7')
    """
    return ".".join(str(level) for level in label if level != "") if isinstance(label, tuple) else str(label)
