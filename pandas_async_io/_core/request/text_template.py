"""Texts with fields: header values, parameters, form values and JSON leaves.

Only ``{name}`` with a legal name is a field; its text is inserted unchanged. ``{{name}}`` stands for the
text ``{name}``, and every other brace is text. Nothing in a text is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FIELD_NAME = r"(?:\w|%[0-9A-Fa-f]{2})+(?:\.(?:\w|%[0-9A-Fa-f]{2})+)*"
"""Pattern of a legal name: as in a URL template."""

_FIELD = re.compile(rf"\{{(\{{{FIELD_NAME}\}})\}}|\{{({FIELD_NAME})\}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FieldReference:
    """A place in a text that a cell of the named field fills."""

    name: str


@dataclass(frozen=True, slots=True)
class TextTemplate:
    """A compiled text: literals and fields, in order.

    Examples
    --------
    >>> TextTemplate.compile("Bearer {token} for {{you}}").parts
    ('Bearer ', FieldReference(name='token'), ' for {you}')
    """

    parts: tuple[str | FieldReference, ...]

    @classmethod
    def compile(cls, text: str) -> TextTemplate:
        """Split a text into literals and fields."""
        parts: list[str | FieldReference] = []
        start = 0
        for match in _FIELD.finditer(text):
            literal, name = match.groups()
            parts.append(text[start : match.start()] + (literal or ""))
            if name is not None:
                parts.append(FieldReference(unquote(name)))
            start = match.end()
        parts.append(text[start:])
        return cls(tuple(_merge_literals(parts)))

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields, in order."""
        return tuple(part.name for part in self.parts if isinstance(part, FieldReference))

    @property
    def sole_field(self) -> str | None:
        """The field's name if the text is exactly one field, else None."""
        return self.parts[0].name if len(self.parts) == 1 and isinstance(self.parts[0], FieldReference) else None

    @property
    def literal_prefix(self) -> str:
        """The text before the first field."""
        return next((part for part in self.parts[:1] if isinstance(part, str)), "")

    def fill(self, cells: Mapping[str, str]) -> str:
        """Return the text with the fields' texts inserted unchanged."""
        return "".join(cells[part.name] if isinstance(part, FieldReference) else part for part in self.parts)


def _merge_literals(parts: Sequence[str | FieldReference]) -> Iterator[str | FieldReference]:
    """Join neighbouring literals and drop empty ones."""
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
