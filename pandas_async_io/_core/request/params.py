"""Query parameters of a call, written into its URL template: a cell is encoded for a query in one place only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pandas_async_io._core.option_values import check_mapping
from pandas_async_io._core.request.cell_values.values import compile_values
from pandas_async_io._core.request.template.expression import Expression, Variable
from pandas_async_io._core.request.template.text_template import FieldReference, TextTemplate
from pandas_async_io._core.request.template.url_template import UrlTemplate, encode_field_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pandas_async_io._core.request.template.field_names import FieldNames

Part = str | Expression


def compile_params(
    params: Mapping[str, Any] | None, literal: Mapping[str, Any], names: FieldNames
) -> list[tuple[str, TextTemplate]]:
    """Compile the parameters of a call.

    Parameters
    ----------
    literal : mapping
        Parameters in which a brace is no field; those of ``params`` replace them.

    Raises
    ------
    PlanError
        They are not a mapping, or a name or a value has no text.
    """
    check_mapping("params", params, {"page": 1})
    literals = {name: TextTemplate((value,)) if isinstance(value, str) else value for name, value in literal.items()}
    merged = {**literals, **(params or {})}
    return [(name, text) for name, value in merged.items() for text in compile_values("params", name, value, names)]


def add_params(template: UrlTemplate, params: Iterable[tuple[str, TextTemplate]]) -> UrlTemplate:
    """Return a URL template with parameters. One whose value is a field is left out where the field is missing.

    They come before those of ``{?a}``, because where ``a`` is missing its question mark is missing, too.

    Examples
    --------
    >>> params = [("q", TextTemplate.compile("{name}")), ("size", TextTemplate.compile("10"))]
    >>> template = add_params(UrlTemplate.compile("/users{?page}"), params)
    >>> template.expand({"name": "Ann", "page": "2"}), template.expand({"name": "Ann"})
    ('/users?q=Ann&size=10&page=2', '/users?q=Ann&size=10')
    """
    parts: list[Part] = list(template.parts)
    at = next((at for at, part in enumerate(parts) if _starts_query(part)), len(parts))
    first = parts[at] if at < len(parts) else None
    behind: list[Part] = []
    if isinstance(first, Expression) and first.operator == "?":
        behind = [Expression("&", first.variables), *parts[at + 1 :]]
        parts = parts[:at]
    separator = "&" if first is not None and not behind else "?"
    added: list[Part] = []
    for name, text in params:
        added += _write_param(separator, name, text)
        separator = "&"
    return UrlTemplate(template.text, _join_literals([*parts, *added, *behind])) if added else template


def _starts_query(part: Part) -> bool:
    return "?" in part if isinstance(part, str) else part.operator in ("?", "&")


def _write_param(separator: str, name: str, text: TextTemplate) -> list[Part]:
    encoded = quote(name, safe="")
    if text.sole_field is not None:
        return [Expression(separator, (Variable(encoded, text.sole_field),))]
    values: list[Part] = [
        Expression("", (Variable(encode_field_name(part.name), part.name),))
        if isinstance(part, FieldReference)
        else quote(part, safe="")
        for part in text.parts
    ]
    return [f"{separator}{encoded}=", *values]


def _join_literals(parts: Iterable[Part]) -> tuple[Part, ...]:
    joined: list[Part] = []
    for part in parts:
        if joined and isinstance(part, str) and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return tuple(joined)
