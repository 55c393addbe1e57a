"""Missing values: what each place of a request does without one, and which rows are not sent for lack of one.

=====================================================================  =============================================
a missing value in                                                     effect
=====================================================================  =============================================
the URL's text, a header, a text with more than the field              the row is not sent
``{?a}``, ``{&a}``, a ``params`` or ``data`` value that is the field   that parameter is left out
a ``json`` value that is the field                                     ``null``; in PATCH its key is left out
every field of the row                                                 the row is not sent
DELETE, PUT, PATCH: the URL or ``params``                              the row is not sent
=====================================================================  =============================================

``na_action`` changes the first three lines for a whole call. A value is lone where it is the field and nothing else.

Invariant: a missing value never widens what a request reads or changes, and never makes it use other credentials.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from pandas_async_io._core.arrays import object_array
from pandas_async_io._core.request.cell_values.deduplicate import find_first_rows
from pandas_async_io._core.request.template.expression import Expression
from pandas_async_io._core.request.template.text_template import TextTemplate
from pandas_async_io._core.security.secrets import is_secret_name
from pandas_async_io._core.words import format_count

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pandas_async_io._core.arrays import Mask, Positions
    from pandas_async_io._core.request.cell_values.fields import FieldColumn
    from pandas_async_io._core.request.template.url_template import UrlTemplate

_CHANGING_METHODS = frozenset({"DELETE", "PUT", "PATCH"})
"""Methods that change what the URL names: without a part of it they would change more."""

_MAX_SHOWN_PATTERNS = 3
"""Combinations of missing values that a finding names."""

_QUERY_NAME = re.compile(r"[?&][^?&=]*=$")
"""The end of a literal after which the value of a query parameter follows."""


@dataclass(frozen=True, slots=True)
class MissingRule:
    """What the requests of a call do without a value.

    Attributes
    ----------
    required : frozenset of str
        The fields without which a row is not sent.
    omits_json : bool
        Whether a missing JSON value leaves its key or its item out; otherwise it is ``null``.
    omits_headers : bool
        Whether a missing header value leaves its header out.
    sends_empty : bool
        Whether a missing value in a query or a form is the empty text; otherwise its parameter is left out.
    """

    required: frozenset[str]
    omits_json: bool = False
    omits_headers: bool = False
    sends_empty: bool = False


def compile_missing_rule(
    url: UrlTemplate,
    headers: Sequence[tuple[str, TextTemplate]],
    body: Any,
    *,
    method: str,
    body_kind: str,
    na_action: str | None = None,
    credential_names: Collection[str] = (),
) -> MissingRule:
    """Return what a request does without a value.

    Parameters
    ----------
    na_action : {"ignore", "omit", "send"}, optional
        In place of the rule by place: the row is not sent, every lone value is left out, or it is sent as ``null`` or
        as an empty text.
    credential_names : collection of str
        Headers and parameters of the client's credentials: a row without its own is not sent with these.

    Examples
    --------
    >>> from pandas_async_io._core.request.template.url_template import UrlTemplate
    >>> url = UrlTemplate.compile("/users/{id}{?page}")
    >>> sorted(compile_missing_rule(url, (), None, method="GET", body_kind="none").required)
    ['id']
    >>> sorted(compile_missing_rule(url, (), None, method="DELETE", body_kind="none").required)
    ['id', 'page']
    """
    omits_json = na_action == "omit" or (na_action is None and method == "PATCH")
    if na_action == "ignore" or method in _CHANGING_METHODS:
        required = set(url.fields)
    else:
        required = set(_find_required_in_url(url, sends_empty=na_action == "send"))
    credentials = {quote(name.lower(), safe="") for name in credential_names}
    for name, text in headers:
        may_be_left_out = na_action == "omit" and text.sole_field is not None
        if not may_be_left_out or is_secret_name(name) or name.lower() in credentials:
            required.update(text.fields)
    required.update(v.field for part in url.expressions for v in part.variables if v.name.lower() in credentials)
    texts = [text for _, text in body] if body_kind == "form" else list(find_texts(body))
    has_lone_values = na_action != "ignore" and body_kind in ("form", "json")
    if isinstance(body, TextTemplate) and omits_json:
        has_lone_values = False  # nothing would remain of the body
    for text in texts:
        if not (has_lone_values and text.sole_field):
            required.update(text.fields)
    return MissingRule(frozenset(required), omits_json, na_action == "omit", na_action == "send")


def find_texts(body: Any) -> Iterator[TextTemplate]:
    """Return the texts of a compiled body, in order."""
    if isinstance(body, TextTemplate):
        yield body
    elif isinstance(body, dict | list | tuple):
        for part in body.values() if isinstance(body, dict) else body:
            yield from find_texts(part)


def _find_required_in_url(url: UrlTemplate, *, sends_empty: bool) -> Iterator[str]:
    yield from url.path_fields
    for before, part, after in zip(("", *url.parts), url.parts, (*url.parts[1:], ""), strict=False):
        if isinstance(part, str) or part.operator in ("?", "&") or (sends_empty and _is_lone(before, part, after)):
            continue
        yield from (variable.field for variable in part.variables)


def _is_lone(before: str | Expression, part: Expression, after: str | Expression) -> bool:
    """Whether an expression is the whole value of a query parameter: ``?q={a}&``."""
    if part.operator or len(part.variables) > 1 or isinstance(before, Expression) or not _QUERY_NAME.search(before):
        return False
    return after.operator == "&" if isinstance(after, Expression) else after[:1] in ("", "&")


def find_missing_values(
    texts: Mapping[str, FieldColumn],
    jsons: Mapping[str, FieldColumn],
    rule: MissingRule,
    url: UrlTemplate,
    length: int,
) -> tuple[Mask, np.ndarray[Any, Any] | None]:
    """Return which rows have the values that their request needs, and what each other row lacks.

    Parameters
    ----------
    texts, jsons : mapping of str to FieldColumn
        The fields that are texts in the request, and those that are whole JSON values.

    Returns
    -------
    complete : array of bool
        Whether a row has every required value, and any value at all if its request has fields.
    missing : array of str or None
        For each row what it lacks; None if every row is complete.
    """
    any_present: Mask = np.full(length, not texts and not jsons)
    lacking: list[tuple[str, str, Mask]] = []
    path_fields = url.path_fields
    for name, column in texts.items():
        absent = column.codes < 0
        lacking.append((name, repr(name), absent))
        if name in path_fields:
            empty = _find_empty_segments(name, column, url)
            lacking.append((name, f"{name!r} (empty)", empty))
            absent = absent | empty
        any_present |= ~absent
    for name, column in jsons.items():
        any_present |= column.codes >= 0
        if name not in texts:
            lacking.append((name, repr(name), column.codes < 0))
    blocking = [(label, mask if name in rule.required else mask & ~any_present) for name, label, mask in lacking]
    complete = any_present.copy()
    for _, mask in blocking:
        complete &= ~mask
    return complete, None if complete.all() else _describe_rows(blocking, np.flatnonzero(~complete), length)


def _find_empty_segments(name: str, column: FieldColumn, url: UrlTemplate) -> Mask:
    """Return the rows whose value would be an empty segment of the path."""
    empty = column.rows_equal_to("")
    if column.is_scalar():
        return empty
    exploded = any(
        part.operator == "/" and any(variable.explode and variable.field == name for variable in part.variables)
        for part in url.expressions
    )
    return empty | column.rows_where(
        lambda text: isinstance(text, list) and (text == [""] or (exploded and "" in text))
    )


def _describe_rows(blocking: Sequence[tuple[str, Mask]], rows: Positions, length: int) -> np.ndarray[Any, Any]:
    """Return for each row which values it lacks; rows that lack the same values share one text."""
    patterns = np.zeros(len(rows), dtype=np.int64)
    for _, mask in blocking:
        patterns, _ = pd.factorize(patterns * 2 + mask[rows])
    first = rows[find_first_rows(patterns)].tolist()
    texts = object_array([describe_missing([label for label, mask in blocking if mask[row]]) for row in first])
    missing = np.empty(length, dtype=object)
    missing[rows] = texts[patterns]
    return missing


def describe_missing(labels: Collection[str]) -> str:
    """Return what a row lacks.

    Examples
    --------
    >>> describe_missing(["'id'", "'page'"])
    "missing values in 'id', 'page'"
    """
    return f"missing {'value' if len(labels) == 1 else 'values'} in {', '.join(labels)}"


def count_missing(missing: np.ndarray[Any, Any] | None) -> list[str]:
    """Return one line about the rows that are not sent for lack of a value; none if there are none.

    Examples
    --------
    >>> count_missing(np.array(["missing value in 'id'", None, "missing value in 'id'"], dtype=object))
    ["2 of 3 rows not sent: missing value in 'id'"]
    """
    if missing is None:
        return []
    codes, texts = pd.factorize(missing)
    counts = np.bincount(codes[codes >= 0], minlength=len(texts)).tolist()
    if not counts:
        return []
    ranked = sorted(zip(counts, texts, strict=True), key=lambda each: -each[0])
    parts = [f"{text} ({format_count(count, 'row')})" for count, text in ranked[:_MAX_SHOWN_PATTERNS]]
    others = sum(count for count, _ in ranked[_MAX_SHOWN_PATTERNS:])
    parts += [f"other values ({format_count(others, 'row')})"] if others else []
    reasons = ", ".join(parts) if len(ranked) > 1 else ranked[0][1]
    return [f"{sum(counts)} of {format_count(len(missing), 'row')} not sent: {reasons}"]
