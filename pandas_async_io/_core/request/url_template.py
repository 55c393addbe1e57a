r"""URL templates: RFC 6570, all four levels, compiled once, expanded over columns.

Values arrive as text: what a cell of a frame means is decided before. Where the RFC
leaves room, this is what holds here:

* Literals (2.1): space, ``"`` and ``|`` are percent-encoded, as is all non-ASCII; ``'`` is
  legal, as in the RFC's own examples. Control characters, ``<``, ``>``, ``\``, ``^``, a
  backquote, a ``%`` that starts no triplet and white space at either end raise: they are
  typing errors.
* Names in an exploded dict are encoded like values, not like literals: data adds no ``&``.
* A prefix under ``+`` and ``#`` counts a percent-encoded character as one and never cuts it.
* A lone surrogate has no UTF-8 and raises PlanError; callers screen their values before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from pandas_async_io._core.errors import TemplateError
from pandas_async_io._core.request.expression import (
    OPERATORS,
    RESERVED,
    TRIPLET,
    Expression,
    Strip,
    Value,
    Variable,
    join_rows,
    merge_texts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_BLOCK = 50_000
"""Rows expanded at once: what is allocated beside the URLs stays within some 20 MB."""

_PART = re.compile(r"\{([^{}]*)\}|[^{}]+")
_ILLEGAL = re.compile(rf"[\x00-\x1f\x7f-\x9f\ud800-\udfff<>\\^`]|(?!{TRIPLET})%")
_NAME = rf"(?:\w|{TRIPLET})+(?:\.(?:\w|{TRIPLET})+)*"
_VARSPEC = re.compile(rf"({_NAME})(?::([1-9]\d{{0,3}})|(\*))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class UrlTemplate:
    """A compiled URL template.

    Attributes
    ----------
    text : str
        As written.
    parts : tuple of str and Expression
        The literals, percent-encoded, and the expressions, in order.

    Examples
    --------
    >>> users = UrlTemplate.compile("https://h/users/{User%20ID}/posts{?page,tag*}")
    >>> users.fields
    ('User ID', 'page', 'tag')
    >>> users.expand({"User ID": "a/b", "tag": ["x", "y"]})
    'https://h/users/a%2Fb/posts?tag=x&tag=y'
    >>> users.expand_columns({"User ID": ["1", "2"], "page": ["7", None]}, 2)
    ['https://h/users/1/posts?page=7', 'https://h/users/2/posts']
    """

    text: str
    parts: tuple[str | Expression, ...]

    @classmethod
    def compile(cls, text: str) -> UrlTemplate:
        """Parse `text`.

        Raises
        ------
        TemplateError
            With the position and what to write instead.
        """
        if text != text.strip():
            at = 0 if text[0].isspace() else len(text.rstrip())
            raise _broken(text, at, "white space around a template: remove it")
        parts: list[str | Expression] = []
        at = 0
        while at < len(text):
            part = _PART.match(text, at)
            if part is None:
                raise _broken(text, at, "a brace without its other half: as text it is written %7B or %7D")
            parts.append(_literal(part) if part[1] is None else _expression(part))
            at = part.end()
        return cls(text, tuple(parts))

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """The parts that are no literals, in order."""
        return tuple(part for part in self.parts if isinstance(part, Expression))

    @property
    def fields(self) -> tuple[str, ...]:
        """The decoded names, distinct, in order of appearance."""
        return tuple(dict.fromkeys(v.field for part in self.expressions for v in part.variables))

    @property
    def literal_prefix(self) -> str:
        """The encoded literal before the first expression."""
        return next((part for part in self.parts[:1] if isinstance(part, str)), "")

    @property
    def in_path(self) -> frozenset[str]:
        """The fields that stand before the template's first ``?`` or ``#``, operators included."""
        found: set[str] = set()
        for part in self.parts:
            if re.search("[?#]", part if isinstance(part, str) else OPERATORS[part.operator].first):
                break
            if isinstance(part, Expression):
                found.update(v.field for v in part.variables)
        return frozenset(found)

    @property
    def optional(self) -> frozenset[str]:
        """The fields that stand in ``{?…}`` and ``{&…}`` only: left out where undefined."""
        return frozenset(self.fields) - self._where(lambda part, _: part.operator not in ("?", "&"))

    @property
    def exploded(self) -> frozenset[str]:
        """The fields with a ``*`` wherever they stand."""
        return self._where(lambda _, variable: variable.explode)

    @property
    def injective(self) -> bool:
        """Whether distinct rows surely give distinct URLs: str values, or None for `optional` fields.

        Read from the left, a value ends at the first reserved character: so it must be
        encoded wholly, and what stands before the next one must start with such a
        character. What may be missing comes last, or a value could pass for its name.

        Examples
        --------
        >>> [UrlTemplate.compile(text).injective for text in ("/{a}/{b}{?c,d}", "/{a}-{b}", "/{a:3}")]
        [True, False, False]
        """
        named = [OPERATORS[part.operator].named for part in self.expressions]
        if (
            any(part.operator in ("+", "#", ";") for part in self.expressions)
            or any(v.prefix or v.explode for part in self.expressions for v in part.variables)
            or named != sorted(named)
        ):
            return False
        strips = merge_texts(self._lay(lambda part: part.strips([[] for _ in part.variables])))
        ended = strips if strips and isinstance(strips[-1], list) else strips[:-1]
        return all(isinstance(a, str) or (isinstance(b, str) and b[0] in RESERVED) for a, b in pairwise(ended))

    def expand(self, values: Mapping[str, Value]) -> str:
        """Expand for one row; a name that `values` lacks is undefined.

        Raises
        ------
        TemplateError
            A prefix (``{a:3}``) meets a list or dict.
        PlanError
            A value holds a lone surrogate.
        """
        return "".join(part if isinstance(part, str) else part.expand(values) for part in self.parts)

    def expand_columns(self, columns: Mapping[str, Sequence[Value]], length: int) -> list[str]:
        """Expand for `length` rows, as `expand` does for each, but together.

        Parameters
        ----------
        columns : mapping of str to sequence
            One of `length` cells per field; a field that it lacks is undefined.
        length : int
            The number of rows.

        Raises
        ------
        TemplateError, PlanError
            As `expand`.
        """
        urls: list[str] = []
        for start in range(0, length, _BLOCK):
            rows = min(_BLOCK, length - start)
            block = {
                field: columns[field][start : start + rows] if field in columns else [None] * rows
                for field in self.fields
            }
            urls += self._expand_block(block, rows)
        return urls

    def _expand_block(self, cells: Mapping[str, Sequence[Value]], length: int) -> list[str]:
        strips = self._lay(lambda part: part.expand_columns([cells[v.field] for v in part.variables]))
        return join_rows(strips, length)

    def _lay(self, expand: Callable[[Expression], list[Strip]]) -> list[Strip]:
        parts = ([part] if isinstance(part, str) else expand(part) for part in self.parts)
        return list(chain.from_iterable(parts))

    def _where(self, holds: Callable[[Expression, Variable], bool]) -> frozenset[str]:
        return frozenset(v.field for part in self.expressions for v in part.variables if holds(part, v))


def encode_field_name(column: str) -> str:
    """Return the name under which a template speaks of a column.

    Examples
    --------
    >>> encode_field_name("User ID"), encode_field_name("last.name"), encode_field_name("a..b-c")
    ('User%20ID', 'last.name', 'a%2E%2Eb%2Dc')
    """
    name = quote(column, safe="", errors="surrogatepass").replace("-", "%2D").replace("~", "%7E")
    return name if _VARSPEC.fullmatch(name) else name.replace(".", "%2E")


def _broken(text: str, at: int, why: str) -> TemplateError:
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return TemplateError(f"{why} (position {at})\n  {shown}\n  {' ' * at}^")


def _literal(part: re.Match[str]) -> str:
    """Encode a literal (3.1): what may stand in a URL stays."""
    illegal = _ILLEGAL.search(part.string, part.start(), part.end())
    if illegal is None:
        return quote(part[0], safe=RESERVED + "%")
    at = illegal.start()
    character = part.string[at]
    code = quote(character, safe="", errors="surrogatepass")
    raise _broken(part.string, at, f"{character!a} stands in no URL: write {code}, or remove it")


def _expression(part: re.Match[str]) -> Expression:
    text, body, at = part.string, part[1], part.start(1)
    operator = body[:1]
    if operator and operator in "=,!@|":
        raise _broken(text, at, f"the operator {operator!r} is reserved by RFC 6570: use one of + # . / ; ? &")
    if operator not in OPERATORS:
        operator = ""
    at += len(operator)
    variables = []
    for spec in body[len(operator) :].split(","):
        variables.append(_variable(text, at, spec))
        at += len(spec) + 1
    return Expression(operator, tuple(variables))


def _variable(text: str, at: int, spec: str) -> Variable:
    found = _VARSPEC.fullmatch(spec)
    if found is None:
        why = "an expression without a name" if not spec else f"{spec!a} is no field"
        wanted = "letters, digits, _, single dots and %XX, then perhaps * or :1 to :9999"
        hint = f"; a column of this name is written {{{encode_field_name(spec)}}}" if spec else ""
        raise _broken(text, at, f"{why}: a name holds {wanted}{hint}")
    name, prefix, star = found.groups()
    try:
        field = unquote(name, errors="strict")
    except UnicodeDecodeError:
        raise _broken(text, at, f"{name!r} is not percent-encoded UTF-8") from None
    return Variable(name, field, int(prefix or 0), star is not None)
