"""GraphQL queries as request bodies: which operation is sent, and whether it only reads.

Invariant: the value of a row is a variable, never a part of the query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.option_names import explains_names
from pandas_async_io._core.option_values import is_text
from pandas_async_io._core.request.cell_values.values import compile_body
from pandas_async_io._core.request.template.text_template import TextTemplate
from pandas_async_io._core.words import show_value

if TYPE_CHECKING:
    from collections.abc import Iterator


_IGNORED = re.compile(r'"""(?:\\"""|[^"]|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|#[^\n\r]*|[\s,\ufeff]+')
_WORD = re.compile(r"\w+", re.ASCII)


@explains_names
def graphql(query: str, variables: Mapping[str, Any] | None = None, *, operation: str | None = None) -> GraphQL:
    """Make a GraphQL request: ``df.aio.fetch(url, json=graphql(query, {"login": "{login}"}))``.

    The whole query is sent by POST. Persisted queries, and queries in the URL of a GET, are not supported.

    Parameters
    ----------
    query : str
        The document. Its braces belong to GraphQL and are not fields.
    variables : mapping, optional
        Values may hold fields. A value that is exactly ``"{column}"`` keeps its type.
    operation : str, optional
        The name of the operation to run, if the document has several.

    Raises
    ------
    PlanError
        The document is not GraphQL, has no such operation or several without ``operation=``, or the operation is a
        subscription.

    Examples
    --------
    >>> users = graphql("query($login: String!) { user(login: $login) {name} }", {"login": "{login}"})
    >>> users.safe, users.json["variables"]
    (True, {'login': '{login}'})
    >>> graphql("mutation { star { id } }").safe
    False
    """
    if not is_text(query):
        raise PlanError(f"graphql(): query={show_value(query)} must be a str that UTF-8 can encode")
    if variables is not None and not isinstance(variables, Mapping):
        raise PlanError(f"graphql(): variables={show_value(variables)} must be a mapping of names to values")
    if operation is not None and not isinstance(operation, str):
        raise PlanError(f"graphql(): operation={show_value(operation)} must be the name of an operation")
    try:
        compile_body(variables, None)
    except PlanError as error:
        raise PlanError(f"graphql(): variables: {error}") from None
    found = _operations(query)
    chosen = [kind for kind, name in found if operation in {None, name}]
    if not found:
        raise PlanError("graphql(): query= is empty, or has only fragments: write an operation, as query {…}")
    names = ", ".join(repr(name) for _, name in found)
    if len(chosen) != 1:
        raise PlanError(
            f"graphql(): operation={show_value(operation)} must name one operation of the document; it has {names}"
        )
    if chosen[0] == "subscription":
        raise PlanError("graphql(): query= is a subscription, which is not supported: it has no single response")
    return GraphQL(query, dict(variables or {}), operation, safe=chosen[0] == "query")


def _operations(query: str) -> list[tuple[str, str | None]]:
    """Return kind and name of each operation: the words outside braces, comments and strings."""
    found: list[tuple[str, str | None]] = []
    depth, words = 0, list[str]()
    for lexeme in _lexemes(query):
        if lexeme in {"{", "("}:
            if not depth and lexeme == "{" and words[:1] != ["fragment"]:
                kind, name = (*words, "", "")[:2]
                found.append((kind or "query", name if _WORD.fullmatch(name) else None))
            depth += 1
        elif lexeme in {"}", ")"}:
            depth -= 1
            words = words if depth or lexeme == ")" else []
        elif not depth:
            words.append(lexeme)
        if depth < 0:
            break
    if depth or words or any(kind not in {"query", "mutation", "subscription"} for kind, _ in found):
        raise PlanError("graphql(): query= is not a GraphQL document: check its braces and its first word")
    return found


def _lexemes(query: str) -> Iterator[str]:
    at = 0
    while at < len(query):
        if (ignored := _IGNORED.match(query, at)) is not None:
            at = ignored.end()
            continue
        word = _WORD.match(query, at)
        lexeme = word[0] if word else query[at]
        at += len(lexeme)
        yield lexeme


@dataclass(frozen=True, slots=True)
class GraphQL:
    """A GraphQL request, made by `graphql`.

    Attributes
    ----------
    safe : bool
        Whether the operation only reads: it may be repeated, and equal ones are sent once.
    """

    query: str
    variables: dict[str, Any]
    operation: str | None
    safe: bool

    @property
    def json(self) -> dict[str, Any]:
        """The body for a request template; the query is compiled already, so that no brace in it is a field."""
        named = {} if self.operation is None else {"operationName": self.operation}
        return {"query": TextTemplate((self.query,)), "variables": self.variables, **named}
