r"""URL templates: RFC 6570, all four levels, compiled once, expanded over columns.

Values are texts: `cells` renders the cells of a frame before. Where the RFC leaves a choice:

* Literals (2.1): space, ``"``, ``|`` and all non-ASCII characters are percent-encoded. ``'`` is
  legal, as in the RFC's examples. Control characters, ``<``, ``>``, ``\``, ``^``, a backquote,
  a ``%`` that does not start a triplet and white space at either end raise: they are typing errors.
* Names in an exploded dict are encoded like values, not like literals: data adds no ``&``.
* A prefix under ``+`` and ``#`` counts a percent-encoded character as one and never cuts it.
* A name that is no varname of the RFC is a field if a column has it and it holds none of the RFC's own characters.
* A lone surrogate cannot be encoded as UTF-8 and raises PlanError. Callers check their values before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from pandas_async_io._core.errors import TemplateError
from pandas_async_io._core.request.template.expression import (
    OPERATORS,
    RESERVED,
    TRIPLET,
    Expression,
    Piece,
    Value,
    Variable,
    join_rows,
    merge_literals,
)
from pandas_async_io._core.request.template.field_names import NO_FIELD_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pandas_async_io._core.request.template.field_names import FieldNames

_BLOCK_ROWS = 50_000
"""Rows expanded at once. It keeps the memory beside the URLs within about 20 MB."""

_PART = re.compile(r"\{([^{}]*)\}|[^{}]+")
_ILLEGAL = re.compile(rf"[\x00-\x1f\x7f-\x9f\ud800-\udfff<>\\^`]|(?!{TRIPLET})%")
_NAME = rf"(?:\w|{TRIPLET})+(?:\.(?:\w|{TRIPLET})+)*"
_VARSPEC = re.compile(rf"({_NAME})(?::([1-9]\d{{0,3}})|(\*))?", re.ASCII)
_COLUMN_SPEC = re.compile(r"(.*?)(?::([1-9]\d{0,3})|(\*))?", re.ASCII | re.DOTALL)
_OWN_CHARACTER = re.compile(r"^\.|[{}%+#/;?&=,!@|:*\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What a column's name must not hold to be written as it is called: the syntax of a template."""


@dataclass(frozen=True, slots=True)
class UrlTemplate:
    """A compiled URL template.

    Attributes
    ----------
    text : str
        The template as written.
    parts : tuple of str and Expression
        The percent-encoded literals and the expressions, in order.

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
    def compile(cls, text: str, names: FieldNames = NO_FIELD_NAMES) -> UrlTemplate:
        """Parse `text`.

        Parameters
        ----------
        names : FieldNames, optional
            The columns that are fields as they are called.

        Raises
        ------
        TemplateError
            The text is not a template. The message has the position and what to write instead.
        """
        if text != text.strip():
            at = 0 if text[0].isspace() else len(text.rstrip())
            raise _template_error(text, at, "white space around a template: remove it")
        parts: list[str | Expression] = []
        at = 0
        while at < len(text):
            part = _PART.match(text, at)
            if part is None:
                raise _template_error(text, at, "a brace without its other half: write it as %7B or %7D")
            parts.append(_parse_literal(part) if part[1] is None else _parse_expression(part, names))
            at = part.end()
        return cls(text, tuple(parts))

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """The parts that are not literals, in order."""
        return tuple(part for part in self.parts if isinstance(part, Expression))

    @property
    def fields(self) -> tuple[str, ...]:
        """The decoded field names, each once, in order of appearance."""
        return tuple(dict.fromkeys(v.field for part in self.expressions for v in part.variables))

    @property
    def literal_prefix(self) -> str:
        """The encoded literal before the first expression."""
        return next((part for part in self.parts[:1] if isinstance(part, str)), "")

    @property
    def path_fields(self) -> frozenset[str]:
        """The fields before the template's query or fragment, whose operators are ``?``, ``&`` and ``#``."""
        found: set[str] = set()
        for part in self.parts:
            if re.search("[?#]", part) if isinstance(part, str) else part.operator in ("?", "&", "#"):
                break
            if isinstance(part, Expression):
                found.update(v.field for v in part.variables)
        return frozenset(found)

    @property
    def exploded_fields(self) -> frozenset[str]:
        """The fields with a ``*``."""
        return frozenset(v.field for part in self.expressions for v in part.variables if v.explode)

    @property
    def is_injective(self) -> bool:
        """Whether distinct rows always give distinct URLs, for str values and for None in optional fields.

        A value ends at the first reserved character to its right. So every value must be encoded
        completely, and the literal between two values must start with a reserved character.
        Optional fields, which are in ``{?…}`` and ``{&…}`` only, come last: otherwise a value could look like the name
        of a missing field. Their names differ: otherwise one value could be that of either.

        Examples
        --------
        >>> [UrlTemplate.compile(text).is_injective for text in ("/{a}/{b}{?c,d}", "/{a}-{b}", "/{a:3}")]
        [True, False, False]
        """
        named = [OPERATORS[part.operator].named for part in self.expressions]
        names = [
            v.name for part, is_named in zip(self.expressions, named, strict=True) if is_named for v in part.variables
        ]
        if (
            any(part.operator in ("+", "#", ";") for part in self.expressions)
            or any(v.prefix or v.explode for part in self.expressions for v in part.variables)
            or named != sorted(named)
            or len(names) > len(set(names))
        ):
            return False
        pieces = merge_literals(self._expand_parts(lambda part: part.to_pieces([[] for _ in part.variables])))
        if pieces and isinstance(pieces[-1], str):
            pieces.pop()
        return all(isinstance(a, str) or (isinstance(b, str) and b[0] in RESERVED) for a, b in pairwise(pieces))

    def expand(self, values: Mapping[str, Value]) -> str:
        """Expand for one row. A field that `values` lacks is undefined.

        Raises
        ------
        TemplateError
            The value of a field with a prefix (``{a:3}``) is a list or dict.
        PlanError
            A value holds a lone surrogate.
        """
        return "".join(part if isinstance(part, str) else part.expand(values) for part in self.parts)

    def expand_columns(self, columns: Mapping[str, Sequence[Value]], length: int) -> list[str]:
        """Expand for `length` rows at once. Each URL is the one that `expand` gives for its row.

        Parameters
        ----------
        columns : mapping of str to sequence
            `length` cells per field. A field that it lacks is undefined.
        length : int
            The number of rows.

        Raises
        ------
        TemplateError, PlanError
            As in `expand`.
        """
        urls: list[str] = []
        for start in range(0, length, _BLOCK_ROWS):
            rows = min(_BLOCK_ROWS, length - start)
            block = {
                field: columns[field][start : start + rows] if field in columns else [None] * rows
                for field in self.fields
            }
            urls += self._expand_block(block, rows)
        return urls

    def _expand_block(self, cells: Mapping[str, Sequence[Value]], length: int) -> list[str]:
        pieces = self._expand_parts(lambda part: part.expand_columns([cells[v.field] for v in part.variables]))
        return join_rows(pieces, length)

    def _expand_parts(self, expand: Callable[[Expression], list[Piece]]) -> list[Piece]:
        parts = ([part] if isinstance(part, str) else expand(part) for part in self.parts)
        return list(chain.from_iterable(parts))


def encode_field_name(column: str) -> str:
    """Return the name of a column as a template writes it.

    Examples
    --------
    >>> encode_field_name("User ID"), encode_field_name("last.name"), encode_field_name("a..b-c")
    ('User%20ID', 'last.name', 'a%2E%2Eb%2Dc')
    """
    name = quote(column, safe="", errors="surrogatepass").replace("-", "%2D").replace("~", "%7E")
    return name if _VARSPEC.fullmatch(name) else name.replace(".", "%2E")


def write_field_name(column: str) -> str:
    """Return the name of a column as a template may write it: as it is called, if possible.

    Examples
    --------
    >>> write_field_name("User ID"), write_field_name("größe"), write_field_name("a/b")
    ('User ID', 'größe', 'a%2Fb')
    """
    return column if column and _OWN_CHARACTER.search(column) is None else encode_field_name(column)


def _template_error(text: str, at: int, problem: str) -> TemplateError:
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return TemplateError(f"{problem} (position {at})\n  {shown}\n  {' ' * at}^")


def _parse_literal(part: re.Match[str]) -> str:
    """Encode a literal (3.1). Characters that a URL may hold stay."""
    illegal = _ILLEGAL.search(part.string, part.start(), part.end())
    if illegal is None:
        return quote(part[0], safe=RESERVED + "%")
    at = illegal.start()
    character = part.string[at]
    code = quote(character, safe="", errors="surrogatepass")
    raise _template_error(part.string, at, f"{character!r} cannot stand in a URL: write {code}, or remove it")


def _parse_expression(part: re.Match[str], names: FieldNames) -> Expression:
    text, body, at = part.string, part[1], part.start(1)
    operator = body[:1]
    if operator and operator in "=,!@|":
        hint = f"write the column as {{{encode_field_name(body)}}}" if body in names else "use one of + # . / ; ? &"
        raise _template_error(text, at, f"the operator {operator!r} is reserved by RFC 6570: {hint}")
    if operator not in OPERATORS:
        operator = ""
    at += len(operator)
    variables = []
    for spec in body[len(operator) :].split(","):
        variables.append(_parse_variable(text, at, spec, names))
        at += len(spec) + 1
    return Expression(operator, tuple(variables))


def _parse_variable(text: str, at: int, spec: str, names: FieldNames) -> Variable:
    found = _VARSPEC.fullmatch(spec)
    if found is None:
        column, prefix, star = _COLUMN_SPEC.fullmatch(spec).groups()  # type: ignore[union-attr] # it matches any text
        if column in names and _OWN_CHARACTER.search(column) is None:
            return Variable(quote(column, safe=""), column, int(prefix or 0), star is not None)
        nearly = names.find_nearly(column)
        if nearly is not None:
            written = write_field_name(nearly)
            raise _template_error(text, at, f"{spec!r} is not a field: the nearest column is written {{{written}}}")
        problem = "an expression without a name" if not spec else f"{spec!r} is not a field"
        allowed = "letters, digits, _, single dots and %XX, then perhaps * or :1 to :9999"
        hint = f"; a column of this name is written {{{encode_field_name(spec)}}}" if spec else ""
        raise _template_error(text, at, f"{problem}: a name holds {allowed}{hint}")
    name, prefix, star = found.groups()
    try:
        field = unquote(name, errors="strict")
    except UnicodeDecodeError:
        raise _template_error(text, at, f"{name!r} is not percent-encoded UTF-8") from None
    return Variable(name, field, int(prefix or 0), star is not None)
