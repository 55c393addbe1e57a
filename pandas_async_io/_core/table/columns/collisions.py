"""How a taken column name is resolved: the new column gets a suffix, then a number.

Invariant: a new column never replaces another, and only a name that collides changes.
"""

from __future__ import annotations

from itertools import chain, count
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Collection


def unused_name(name: str, suffix: str, taken: Collection[Any]) -> str:
    """Return the first of ``name + suffix``, ``name + suffix + "2"``, … that is not taken.

    Examples
    --------
    >>> unused_name("id", "_api", {"id", "id_api"})
    'id_api2'
    """
    endings = chain((suffix,), (f"{suffix}{number}" for number in count(2)))
    return next(name + ending for ending in endings if name + ending not in taken)


def resolve_collisions(old: pd.Index, names: list[str], suffix: str) -> pd.Index:
    """Return the labels of new columns beside old ones; beside a MultiIndex they are tuples padded with "".

    Examples
    --------
    >>> resolve_collisions(pd.Index(["id"]), ["id", "name"], "_api").tolist()
    ['id_api', 'name']
    >>> resolve_collisions(pd.MultiIndex.from_tuples([("id", "x")]), ["id"], "_api").tolist()
    [('id', '')]
    """
    nested = isinstance(old, pd.MultiIndex)
    padding = ("",) * (old.nlevels - 1)
    taken = {label[0] for label in old if label[1:] == padding} if nested else set(old)
    labels = []
    reserved = taken.union(names)
    for name in names:
        label = unused_name(name, suffix, reserved) if name in taken else name
        reserved.add(label)
        labels.append(label)
    if not nested:
        return pd.Index(labels, name=old.name, tupleize_cols=False)
    return pd.MultiIndex.from_tuples([(label, *padding) for label in labels], names=old.names)
