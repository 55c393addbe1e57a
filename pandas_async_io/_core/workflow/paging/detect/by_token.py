"""Candidates whose next page is shown by a token: cursors in the payload, and GraphQL's ``pageInfo``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.json_path import find_value, has_path
from pandas_async_io._core.workflow.paging.detect.page_evidence import Candidate, PageEvidence
from pandas_async_io._core.workflow.paging.paginators.cursor import Cursor, GraphQLCursor
from pandas_async_io._core.workflow.paging.paginators.next_url import NextUrl
from pandas_async_io._core.workflow.paging.paging_vocabulary import (
    AMBIGUOUS_TOKENS,
    ENVELOPE_TOKEN_FIELDS,
    TOKEN_FIELDS,
    TOKEN_LIKE,
    URL,
    TokenField,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_PAGE_INFO_DEPTH = 6


def page_info_candidates(evidence: PageEvidence) -> Iterator[Candidate]:
    """Yield a paginator for the ``pageInfo`` of a connection."""
    keys = _find_page_info(evidence.page.payload, ())
    if keys is None:
        return
    more, query = find_value(evidence.page.payload, (*keys, "hasNextPage")), (evidence.body or {}).get("query")
    path = ".".join(keys)
    variables = list(dict.fromkeys(re.findall(r"\bafter\s*:\s*\$(\w+)", str(query))))
    if variables:
        # With several variables it is not known which one is this connection's.
        confidence = 0.99 if len(variables) == 1 else 0.7
        for name in variables:
            yield Candidate(confidence, GraphQLCursor(path, name), f"pageInfo, after: ${name}")
    elif more and query is None:
        in_body = evidence.find_param("after")[1]
        paginator = Cursor(f"{path}.endCursor", "after", more=f"{path}.hasNextPage", body=in_body)
        yield Candidate(0.6, paginator, "pageInfo, and no query in the request")
    elif more:
        yield Candidate(0.7, GraphQLCursor(path), "pageInfo; the query lacks after: $cursor")


def _find_page_info(payload: Any, path: tuple[str, ...]) -> tuple[str, ...] | None:
    if not isinstance(payload, dict) or len(path) > _MAX_PAGE_INFO_DEPTH:
        return None
    if isinstance(info := payload.get("pageInfo"), dict) and "hasNextPage" in info:
        return (*path, "pageInfo")
    deeper = (_find_page_info(value, (*path, key)) for key, value in payload.items())
    return next((found for found in deeper if found), None)


def token_candidates(evidence: PageEvidence) -> Iterator[Candidate]:
    """Yield a paginator for each field that holds a token for the next page, or null in its place."""
    payload = evidence.page.payload
    if not isinstance(payload, dict):
        return
    more = next((name for name in ("has_more", "hasMore") if isinstance(payload.get(name), bool | str)), None)
    in_envelopes = [
        field._replace(path=prefix + field.path)
        for prefix, fields in evidence.envelopes
        for field in ENVELOPE_TOKEN_FIELDS
        if field.path in fields
    ]
    known = [field for field in (*TOKEN_FIELDS, *in_envelopes) if _is_token(evidence, field)]
    for field in known:
        value, in_body = evidence.find_param(field.param)
        param = field.param.replace("[", ".").replace("]", "") if in_body else field.param
        confidence = field.confidence if value is None else 0.97
        paginator = Cursor(field.path, param, body=in_body, more=more)
        yield Candidate(confidence, paginator, f"{field.path!r} holds a token for {param!r}")
    if more and payload.get("object") == "list" and not known:
        yield from _last_id_candidates(evidence, more)
    continued = payload.get("continue")  # MediaWiki
    for key in continued if isinstance(continued, dict) else ():
        if key not in {"", "continue"}:
            yield Candidate(0.6, Cursor(f"continue.{key}", key), f"'continue' holds {key!r}")
    yield from _token_like_candidates(evidence)


def _is_token(evidence: PageEvidence, field: TokenField) -> bool:
    """Whether a field holds a token, or null for none."""
    payload, (*_, key) = evidence.page.payload, field.path.split(".")
    token = find_value(payload, field.path)
    if not has_path(payload, field.path) or isinstance(token, bool):
        return False
    if field.sibling is not None and not has_path(payload, field.sibling):
        return False
    if evidence.record_count is None and (not token or key in AMBIGUOUS_TOKENS):
        return False
    is_text = isinstance(token, str) and URL.fullmatch(token) is None
    if key in {"next_page", "nextPage"}:  # of the ambiguous ones these may be a page's number
        return is_text or (type(token) is int and token > 0)
    return key not in AMBIGUOUS_TOKENS or (is_text and not (key == "offset" and token.isdecimal()))


def _last_id_candidates(evidence: PageEvidence, more: str) -> Iterator[Candidate]:
    """Yield a paginator by the last record's id, as OpenAI and Stripe have it."""
    payload, in_body = evidence.page.payload, evidence.find_param("after")[1]
    if payload.get("last_id"):
        yield Candidate(0.95, Cursor("last_id", "after", more=more, body=in_body), f"last_id and {more}")
    elif isinstance(payload.get("url"), str):
        paginator = Cursor(after="id", param="starting_after", more=more, body=in_body)
        yield Candidate(0.95, paginator, f"object: list, url and {more}")
    elif evidence.last_record_has("id"):
        paginator = Cursor(after="id", param="after", more=more, body=in_body)
        yield Candidate(0.85, paginator, f"object: list and {more}")


def _token_like_candidates(evidence: PageEvidence) -> Iterator[Candidate]:
    """Yield a guess for each field that is in no table but named like a token, or in an object that is."""
    if evidence.record_count is None or evidence.announces_end:
        return
    for prefix, fields in evidence.envelopes:
        for key, value in fields.items():
            if TOKEN_LIKE.search(key):
                yield from _guess_from_value(evidence, prefix + key, key, value)
                for name, token in value.items() if isinstance(value, dict) else ():
                    yield from _guess_from_value(evidence, f"{prefix}{key}.{name}", name, token)


def _guess_from_value(evidence: PageEvidence, path: str, name: str, token: Any) -> Iterator[Candidate]:
    if isinstance(token, bool) or not isinstance(token, str | int) or not (token and name):
        return
    if isinstance(token, str) and URL.fullmatch(token):
        yield Candidate(0.5, NextUrl(path), f"{path!r} may be the next page's URL")
    else:
        yield Candidate(0.3, Cursor(path, name, body=evidence.find_param(name)[1]), f"{path!r} may be a token")
