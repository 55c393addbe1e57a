"""TODO."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pandas_async_io._core.json_path import find_value, has_path
from pandas_async_io._core.workflow.paging import paging_vocabulary as names
from pandas_async_io._core.workflow.paging.cursor import Cursor
from pandas_async_io._core.workflow.paging.detect.page_evidence import Candidate, PageEvidence
from pandas_async_io._core.workflow.paging.next_url import NextUrl

if TYPE_CHECKING:
    from collections.abc import Iterator


def token_candidates(answer: PageEvidence) -> Iterator[Candidate]:
    """Find a token for the next page, or a null in its place."""
    payload = answer.page.payload
    if not isinstance(payload, dict):
        return
    more = next((name for name in ("has_more", "hasMore") if isinstance(payload.get(name), bool | str)), None)
    anywhere = [
        (home + key, name, None, confidence)
        for home, fields in answer.envelopes
        for key, name, confidence in names.TOKENS_ANYWHERE
        if key in fields
    ]
    known = [row for row in (*names.TOKENS, *anywhere) if _is_token(answer, *row[:3:2])]
    for path, name, _, confidence in known:
        value, body = answer.placed(name)
        place = name.replace("[", ".").replace("]", "") if body else name
        sure = confidence if value is None else 0.97
        yield Candidate(sure, Cursor(path, place, body=body, more=more), f"{path!r} holds a token for {place!r}")
    if more and payload.get("object") == "list" and not known:
        yield from _after(answer, more)
    continued = payload.get("continue")
    for key in continued if isinstance(continued, dict) else ():
        if key not in {"", "continue"}:
            yield Candidate(0.6, Cursor(f"continue.{key}", key), f"'continue' holds {key!r}")
    yield from _unknown(answer)


def _is_token(answer: PageEvidence, path: str, companion: str | None) -> bool:
    """Whether there is a token at a path, if only null for none."""
    payload, (*_, key) = answer.page.payload, path.split(".")
    token = find_value(payload, path)
    if (
        not has_path(payload, path)
        or isinstance(token, bool)
        or not (companion is None or has_path(payload, companion))
    ):
        return False
    text = isinstance(token, str) and names.URL.fullmatch(token) is None
    if answer.held is None and (not token or key in names.VAGUE):
        return False
    if key in {"next_page", "nextPage"}:  # these hold numbers and URLs as often as tokens
        return text or (type(token) is int and token > 0)
    return key not in names.VAGUE or (text and not (key == "offset" and token.isdecimal()))


def _after(answer: PageEvidence, more: str) -> Iterator[Candidate]:
    """Find the field of a list of objects, as OpenAI and Stripe call it, that is the token."""
    payload, body = answer.page.payload, answer.placed("after")[1]
    if payload.get("last_id"):
        yield Candidate(0.95, Cursor("last_id", "after", more=more, body=body), f"last_id and {more}")
    elif isinstance(payload.get("url"), str):
        way = Cursor(after="id", param="starting_after", more=more, body=body)
        yield Candidate(0.95, way, f"object: list, url and {more}")
    elif answer.last_has("id"):
        yield Candidate(0.85, Cursor(after="id", param="after", more=more, body=body), f"object: list and {more}")


def _unknown(answer: PageEvidence) -> Iterator[Candidate]:
    """Find what is called like a token, or lies in an object that is, and that no table knows."""
    if answer.held is None or answer.says_none:
        return
    for home, fields in answer.envelopes:
        for key, value in fields.items():
            if names.TOKEN.search(key):
                inner = value.items() if isinstance(value, dict) else ()
                for path, name, token in ((key, key, value), *((f"{key}.{name}", name, each) for name, each in inner)):
                    yield from _guess(answer, home + path, name, token)


def _guess(answer: PageEvidence, path: str, name: str, token: Any) -> Iterator[Candidate]:
    if isinstance(token, bool) or not isinstance(token, str | int) or not (token and name):
        return
    if isinstance(token, str) and names.URL.fullmatch(token):
        yield Candidate(0.5, NextUrl(path), f"{path!r} may be the next page's URL")
    else:
        yield Candidate(0.3, Cursor(path, name, body=answer.placed(name)[1]), f"{path!r} may be a token")
