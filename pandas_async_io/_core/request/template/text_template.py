"""Texts with fields: header values, parameters, form values and JSON leaves.

Only ``{name}`` with a legal name, or with exactly the name of a column, is a field; its text is inserted unchanged.
``{{name}}`` stands for the text ``{name}``, and every other brace is text. Nothing in a text is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pandas_async_io._core.request.template.field_names import NO_FIELD_NAMES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pandas_async_io._core.request.template.field_names import FieldNames

_LEGAL_NAME = re.compile(r"(?:\w|%[0-9A-Fa-f]{2})+(?:\.(?:\w|%[0-9A-Fa-f]{2})+)*", re.ASCII)
"""A legal name, as in a URL template."""

_MAX_NEAR_MISSES = 3
"""Near misses that a hint names."""

_BRACES = re.compile(r"\{\{([^{}]+)\}\}|\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class FieldReference:
    """A place in a text that a cell of the named field fills."""

    name: str


@dataclass(frozen=True, slots=True)
class TextTemplate:
    """A compiled text: literals and fields, in order.

    Attributes
    ----------
    parts : tuple of str and FieldReference
        The literals and the fields.
    near_misses : tuple of (str, str)
        Texts in braces that are nearly a column's name, and that name.

    Examples
    --------
    >>> TextTemplate.compile("Bearer {token} for {{you}}").parts
    ('Bearer ', FieldReference(name='token'), ' for {you}')
    """

    parts: tuple[str | FieldReference, ...]
    near_misses: tuple[tuple[str, str], ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def compile(cls, text: str, names: FieldNames = NO_FIELD_NAMES) -> TextTemplate:
        """Split a text into literals and fields.

        Parameters
        ----------
        names : FieldNames, optional
            The columns that are fields as they are called.
        """
        parts: list[str | FieldReference] = []
        near_misses: list[tuple[str, str]] = []
        start = 0
        for match in _BRACES.finditer(text):
            escaped, name = match.groups()
            written = name if escaped is None else escaped
            is_field = written in names or _LEGAL_NAME.fullmatch(written) is not None
            nearly = None if is_field else names.find_nearly(written)
            if not is_field and nearly is None:
                continue
            parts.append(text[start : match.start()])
            start = match.end()
            if escaped is not None:
                parts.append(f"{{{escaped}}}")
            elif nearly is None:
                parts.append(FieldReference(unquote(name) if _LEGAL_NAME.fullmatch(name) else name))
            else:
                parts.append(match[0])
                near_misses.append((name, nearly))
        parts.append(text[start:])
        return cls(tuple(_merge_literals(parts)), tuple(near_misses))

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


def describe_near_misses(near_misses: Collection[tuple[str, str]]) -> tuple[str, ...]:
    """Return what to say about texts in braces that are nearly a column's name: both spellings.

    Examples
    --------
    >>> describe_near_misses([("User_ID ", "user_id")])
    ('{User_ID } was sent as it is written: for the column write {user_id}, for this text {{User_ID }}',)
    """
    one_line = [text if text.isprintable() else re.sub(r"\s+", " ", text) for text, _ in near_misses]
    shown = dict.fromkeys(zip(one_line, (name for _, name in near_misses), strict=True))
    return tuple(
        f"{{{text}}} was sent as it is written: for the column write {{{name}}}, for this text {{{{{text}}}}}"
        for text, name in list(shown)[:_MAX_NEAR_MISSES]
    )


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
