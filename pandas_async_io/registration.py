"""Register accessors and functions on pandas, beside those of other packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.option_names import describe_unknown_attribute

if TYPE_CHECKING:
    from collections.abc import Callable


class Accessor:
    """What ``df.aio`` and ``s.aio`` share: the error about a name that they do not have tells the nearest one."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if hasattr(type(self), name):  # one of our properties raised AttributeError: show that error
            return object.__getattribute__(self, name)
        names = [each for each in dir(type(self)) if not each.startswith("_")]
        owner = "df.aio" if hasattr(self, "_frame") else "s.aio"
        # without `obj=`, Python adds no suggestion of its own to this one
        raise AttributeError(describe_unknown_attribute(owner, name, names), name=name)


def register_accessor(name: str, owner: type, register: Any, accessor: type) -> None:
    """Register a subclass of an accessor on DataFrame or Series.

    If another package registered the name before, attributes that this accessor lacks are looked up there.

    Parameters
    ----------
    name : str
        Name of the accessor, ``"aio"``.
    owner : type
        DataFrame or Series.
    register : callable
        The decorator of pandas for that type.
    accessor : type
        The class; it holds its pandas object as ``_frame`` or ``_series``.
    """
    registered = getattr(owner, name, None)
    is_ours = getattr(registered, "__module__", "") == accessor.__module__  # after a reload: keep its predecessor
    previous = getattr(registered, "_previous", None) if is_ours else registered
    members: dict[str, Any] = {
        "_previous": previous,
        "__module__": accessor.__module__,
        "__doc__": accessor.__doc__,
    }
    if previous is not None:
        members["__getattr__"] = _make_fallback(previous)
    if registered is not None:
        delattr(owner, name)  # pandas warns of a name that is taken
    register(name)(type(accessor.__name__, (accessor,), members))


def _make_fallback(previous: Callable[[Any], Any]) -> Callable[[Any, str], Any]:
    """Return a `__getattr__` that looks a name up on another package's accessor."""

    def look_up(self: Any, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if hasattr(type(self), name):  # one of our properties raised AttributeError: show that error
            return object.__getattribute__(self, name)
        return getattr(previous(self._frame if hasattr(self, "_frame") else self._series), name)

    return look_up


def register_function(function: Callable[..., Any]) -> None:
    """Set a function on `pandas` under its name, unless another package has set that name."""
    name = function.__name__
    current = getattr(pd, name, None)
    if current is None or getattr(current, "__module__", "") == function.__module__:
        setattr(pd, name, function)
