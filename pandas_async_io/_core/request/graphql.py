"""GraphQL: the request that a query is, and what an answer says that its status does not.

The law of this file: a row's value is a variable, never a part of the query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Iterator


_COUNTED = r"(?:\w|%[0-9A-Fa-f]{2})+"
_LIKE_A_FIELD = re.compile(rf"(\{{{_COUNTED}(?:\.{_COUNTED})*\}})", re.ASCII)
_SILENT = re.compile(r'"""(?:\\"""|[^"]|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|#[^\n\r]*|[\s,\ufeff]+')
_WORD = re.compile(r"\w+", re.ASCII)


def graphql(query: str, variables: Mapping[str, Any] | None = None, *, operation: str | None = None) -> GraphQL:
    """Make a GraphQL request: ``df.aio.fetch(url, json=graphql(query, {"login": "{login}"}))``.

    It is posted, whole; persisted queries, and queries in the URL of a GET, are not supported.

    Parameters
    ----------
    query : str
        The document; braces in it are GraphQL's own.
    variables : mapping, optional
        Values may hold fields; one that is exactly ``"{column}"`` keeps its type.
    operation : str, optional
        Which one is meant, where the document has several.

    Raises
    ------
    PlanError
        If the document has no such operation, several and none is named, or it is a subscription.

    Examples
    --------
    >>> users = graphql("query($login: String!) { user(login: $login) {name} }", {"login": "{login}"})
    >>> users.safe, users.json["variables"]
    (True, {'login': '{login}'})
    >>> graphql("mutation { star { id } }").safe
    False
    """
    if not isinstance(query, str) or not isinstance(variables or {}, Mapping):
        raise PlanError("graphql(): the query is a str, the variables are a mapping")
    found = _operations(query)
    chosen = [kind for kind, name in found if operation in {None, name}]
    if not found:
        raise PlanError("graphql(): the document is empty, or has only fragments: write an operation, as query {…}")
    names = ", ".join(repr(name) for _, name in found)
    if len(chosen) != 1:
        raise PlanError(f"graphql(): operation={operation!r} is one of the document's operations; it has {names}")
    if chosen[0] == "subscription":
        raise PlanError("graphql(): a subscription is no request and answer")
    return GraphQL(query, dict(variables or {}), operation, safe=chosen[0] == "query")


def _operations(query: str) -> list[tuple[str, str | None]]:
    """Return kind and name of each operation: what stands outside all braces, comments and texts."""
    found: list[tuple[str, str | None]] = []
    depth, words = 0, list[str]()
    for piece in _pieces(query):
        if piece in {"{", "("}:
            if not depth and piece == "{" and words[:1] != ["fragment"]:
                kind, name = (*words, "", "")[:2]
                found.append((kind or "query", name if _WORD.fullmatch(name) else None))
            depth += 1
        elif piece in {"}", ")"}:
            depth -= 1
            words = words if depth or piece == ")" else []
        elif not depth:
            words.append(piece)
        if depth < 0:
            break
    if depth or words or any(kind not in {"query", "mutation", "subscription"} for kind, _ in found):
        raise PlanError("graphql(): this is no GraphQL document: look at its braces and its first word")
    return found


def _pieces(query: str) -> Iterator[str]:
    at = 0
    while at < len(query):
        if (silent := _SILENT.match(query, at)) is not None:
            at = silent.end()
            continue
        word = _WORD.match(query, at)
        piece = word[0] if word else query[at]
        at += len(piece)
        yield piece


@dataclass(frozen=True, slots=True)
class GraphQL:
    """What `graphql` makes.

    Attributes
    ----------
    safe : bool
        Whether it only asks: it may be repeated, and equal ones are sent once.
    """

    query: str
    variables: dict[str, Any]
    operation: str | None
    safe: bool
    method: str = "POST"

    @property
    def json(self) -> dict[str, Any]:
        """The body, for a recipe to compile: in the query no brace is a field's."""
        named = {} if self.operation is None else {"operationName": self.operation}
        return {"query": _LIKE_A_FIELD.sub(r"{\1}", self.query), "variables": self.variables, **named}
