"""Pickles objects by their settings, so that nothing open travels.

Invariant: a process has one object for each pickled one, so that the tasks that name it share its connections.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4
from weakref import WeakKeyDictionary, WeakValueDictionary

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_KEPT = 16
"""Objects of other processes that are kept for the next task."""

_keys: WeakKeyDictionary[Any, UUID] = WeakKeyDictionary()
_objects: WeakValueDictionary[UUID, Any] = WeakValueDictionary()
_kept: deque[Any] = deque(maxlen=_MAX_KEPT)


def find_shared_key(instance: Any) -> str:
    """Return the key that an object has in all processes it was sent to; "" if it was sent to none."""
    key = _keys.get(instance)
    return "" if key is None else str(key)


def reduce_to_settings(instance: Any, settings: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what an object's ``__reduce__`` returns: its class, its settings, and a key of its own."""
    key = _keys.setdefault(instance, uuid4())
    _objects[key] = instance
    return _restore, (type(instance), key, dict(settings))


def _restore(kind: type[Any], key: UUID, settings: dict[str, Any]) -> Any:
    """Return this process's object for a pickled one."""
    found = _objects.get(key)
    if found is None:
        found = kind(**settings)
        _keys[found], _objects[key] = key, found
        _kept.append(found)
    return found
