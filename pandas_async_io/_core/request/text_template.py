"""TODO."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_NAME = r"(?:\w|%[0-9A-Fa-f]{2})+(?:\.(?:\w|%[0-9A-Fa-f]{2})+)*"
_FIELD = re.compile(rf"\{{(\{{{_NAME}\}})\}}|\{{({_NAME})\}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FieldReference:
    """A place in a text where a cell goes."""

    name: str


@dataclass(frozen=True, slots=True)
class TextTemplate:
    """A text with fields.

    Examples
    --------
    >>> TextTemplate.compile("Bearer {token} for {{you}}").parts
    ('Bearer ', FieldReference(name='token'), ' for {you}')
    """

    parts: tuple[str | FieldReference, ...]

    @classmethod
    def compile(cls, text: str) -> TextTemplate:
        """Split a text into literals and fields; nothing in it is an error."""
        parts: list[str | FieldReference] = []
        start = 0
        for match in _FIELD.finditer(text):
            literal, name = match.groups()
            parts.append(text[start : match.start()] + (literal or ""))
            if name is not None:
                parts.append(FieldReference(unquote(name)))
            start = match.end()
        parts.append(text[start:])
        return cls(tuple(_merged(parts)))

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of its fields, in order."""
        return tuple(part.name for part in self.parts if isinstance(part, FieldReference))

    @property
    def alone(self) -> str | None:
        """The field's name, if the text is exactly one field."""
        return self.parts[0].name if len(self.parts) == 1 and isinstance(self.parts[0], FieldReference) else None

    def fill(self, cells: Mapping[str, str]) -> str:
        """Return the text with its fields filled in, raw."""
        return "".join(cells[part.name] if isinstance(part, FieldReference) else part for part in self.parts)


def _merged(parts: Sequence[str | FieldReference]) -> Iterator[str | FieldReference]:
    """Join neighbouring literals, leave out empty ones."""
    literal = ""
    for part in parts:
        if isinstance(part, FieldReference):
            if literal:
                yield literal
                literal = ""
            yield part
        else:
            literal += part
    if literal:
        yield literal
