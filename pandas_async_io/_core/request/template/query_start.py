"""Where the query of an expanded URL begins: at one question mark, whichever part of the query comes first.

RFC 6570 expands each expression by itself. So ``{?a}{&b}`` without ``a`` gives ``&b=1``, which belongs to the path, and
a ``?`` or ``#`` in a value of ``{+p}`` makes the query that follows a part of another parameter or of the fragment.
Here the first part of a query gets ``?`` and each further one ``&``. A fragment in a value is removed, because it is
never sent.

Invariant: no value of a row moves a part of the template to another component of the URL.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pandas_async_io._core.request.template.expression import Expression
from pandas_async_io._core.request.template.url_template import UrlTemplate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from pandas_async_io._core.request.template.expression import Value

_MARK = "\x1e"
"""Stands before a part of the query. No value and no literal holds a control character."""

_END = "\x1d"
"""Stands behind a reserved expansion."""

_FRAGMENT = re.compile(f"#[^{_END}{_MARK}]*")


def make_url_writer(
    template: UrlTemplate, incomplete: Collection[str] | None = None
) -> Callable[[Mapping[str, Sequence[Value]], int], list[str]]:
    """Return what expands the template as `UrlTemplate.expand_columns` does, with each URL's query in order.

    Parameters
    ----------
    incomplete : collection of str, optional
        The fields that are null in some row; every field by default.

    Examples
    --------
    >>> write_urls = make_url_writer(UrlTemplate.compile("https://e.com/x{?a}{&b}"))
    >>> write_urls({"a": ["1", None], "b": ["2", "2"]}, 2)
    ['https://e.com/x?a=1&b=2', 'https://e.com/x?b=2']
    """
    marked = mark_query(template, incomplete)
    if marked is None:
        return template.expand_columns
    return lambda columns, length: list(map(start_query, marked.expand_columns(columns, length)))


def mark_query(template: UrlTemplate, incomplete: Collection[str] | None = None) -> UrlTemplate | None:
    """Return the template with marks for `start_query`, or None if every expansion has its query in order.

    Examples
    --------
    >>> templates = [UrlTemplate.compile(text) for text in ("https://e.com/{a}?b={b}{&c}", "https://e.com/{+a}")]
    >>> [mark_query(template) is None for template in templates]
    [True, False]
    """
    parts: list[str | Expression] = []
    starts: list[tuple[str, bool]] = []
    for part in template.parts:
        if isinstance(part, Expression):
            if part.operator in ("?", "&"):
                left_out = incomplete is None or all(variable.field in incomplete for variable in part.variables)
                starts.append((part.operator, left_out))
                parts.append(_MARK)
            parts += [part, _END] if part.operator == "+" else [part]
            continue
        at = _find_query_part(part, parts, in_query=bool(starts))
        if at >= 0:
            starts.append((part[at], False))
        parts.append(part if at < 0 else f"{part[:at]}{_MARK}{part[at:]}")
    reserved = any(expression.operator == "+" for expression in template.expressions)
    return UrlTemplate(template.text, tuple(parts)) if reserved or not _is_ordered(starts) else None


def _find_query_part(literal: str, before: Sequence[str | Expression], *, in_query: bool) -> int:
    """Return where in a literal the query begins, or goes on behind an expression of it; -1 if nowhere."""
    if not in_query:
        return literal.find("?")
    previous = before[-1]
    follows = previous == _END if isinstance(previous, str) else previous.operator in ("?", "&")
    return 0 if follows and literal[0] in "?&" else -1


def _is_ordered(starts: Sequence[tuple[str, bool]]) -> bool:
    """Whether the first part of the query always has ``?`` and each further one ``&``.

    Each start is its character, and whether it is left out where its fields are null.
    """
    if not starts:
        return True
    first, *further = starts
    return first[0] == "?" and (not further or (not first[1] and all(start == "&" for start, _ in further)))


def start_query(marked: str) -> str:
    r"""Return a URL from an expansion of `mark_query`.

    Examples
    --------
    >>> start_query("https://e.com/x\x1e\x1e&b=1"), start_query("https://e.com/x?a=1#top\x1d\x1e?b=1")
    ('https://e.com/x?b=1', 'https://e.com/x?a=1&b=1')
    """
    if "#" in marked:
        marked = _FRAGMENT.sub("", marked)
    url, *parts = marked.replace(_END, "").split(_MARK)
    for part in parts:
        url += ("&" if "?" in url else "?") + part[1:] if part[:1] in ("?", "&") else part
    return url


def find_fields_before_path(template: UrlTemplate) -> frozenset[str]:
    """Return the fields of reserved expansions that a further part of the path follows: ``{+p}/edit``.

    A ``?`` or ``#`` in their values would make that part a query or a fragment.

    Examples
    --------
    >>> sorted(find_fields_before_path(UrlTemplate.compile("https://e.com/{+a}/{+b}{+c}?d={+d}")))
    ['a']
    """
    found: set[str] = set()
    pending: set[str] = set()
    for part in template.parts:
        if isinstance(part, Expression):
            if part.operator in ("?", "&"):
                break
            if part.operator == "+":
                *before, last = (variable.field for variable in part.variables)
                found.update(before)
                pending.add(last)
                continue
        elif part.startswith("?"):
            break
        found |= pending
        if isinstance(part, str) and "?" in part:
            break
    return frozenset(found)
