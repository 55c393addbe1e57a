"""Credentials whose texts are read each time they are sent, as those in the environment.

Invariant: no secret is in such a value, so that neither its repr nor its pickle shows one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.words import name_type

if TYPE_CHECKING:
    from collections.abc import Callable


@runtime_checkable
class DeferredText(Protocol):
    """A text that is read when it is needed."""

    def read(self) -> str:
        """Return the text."""


@dataclass(frozen=True, slots=True)
class DeferredFields(Mapping[str, str]):
    """Header fields or parameters of a credential: their names are known, their values are made when they are read.

    Attributes
    ----------
    make : callable
        Makes a credential of its parts.
    parts : tuple of str or DeferredText
        Its arguments.
    options : mapping of str to object
        Its keyword arguments.
    side : {"headers", "params"}
        The attribute of the credential that these fields are.
    names : tuple of str
        Their names.
    """

    make: Callable[..., Any]
    parts: tuple[str | DeferredText, ...]
    options: Mapping[str, Any]
    side: str
    names: tuple[str, ...]

    def __getitem__(self, name: str) -> str:
        """Return the value that a field has now."""
        if name not in self.names:
            raise KeyError(name)
        parts = [part if isinstance(part, str) else part.read() for part in self.parts]
        other = next((part for part in parts if not isinstance(part, str)), None)
        if other is not None:
            raise PlanError(
                f"auth: a token, key, user or password that is read when it is sent is {name_type(other)}, no str"
            )
        value: str = getattr(self.make(*parts, **self.options), self.side)[name]
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)
