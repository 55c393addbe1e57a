"""Where a call goes on in another process: at a row, and at a page of its chain; without credentials."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pandas_async_io._core.errors import ParseError
from pandas_async_io._core.models import NO_HEADERS
from pandas_async_io._core.request.cell_values.cells import dump_json
from pandas_async_io._core.request.query import parse_json_body
from pandas_async_io._core.security.secrets import is_secret_name
from pandas_async_io._core.storage.manifest import PagePoint, ResumePoint
from pandas_async_io._core.workflow.paging.chain import Chain
from pandas_async_io._core.workflow.paging.paginators.paginators import PAGINATOR_TYPES, as_paginator
from pandas_async_io.call.prepare.prepare import prepare_call
from pandas_async_io.call.prepare.source import Resumption
from pandas_async_io.call.workflow import STREAM_KEYS, paging_options

if TYPE_CHECKING:
    from collections.abc import Collection

    from pandas_async_io._core.models import Request
    from pandas_async_io.call.prepare.prepared_call import PreparedCall


def make_page_point(call: PreparedCall, chain: Chain, number: int, records: int) -> PagePoint | None:
    """Return where a chain goes on after the page before ``number``; None if no such page was requested.

    Parameters
    ----------
    records : int
        The records of the pages before it.
    """
    request = chain.requested.find(number)
    if request is None:
        return None
    url, dropped = _drop_credentials(request.url, chain.first.url, paging_options(call).credential_params)
    paginator = chain.paginator if isinstance(chain.paginator, PAGINATOR_TYPES) else None
    return PagePoint(
        number,
        url,
        request.method,
        _find_new_fields(request, chain.first),
        dropped,
        records,
        None if chain.record_path is None else list(chain.record_path),
        list(map(str, chain.locator.columns)),
        None if paginator is None else {"type": type(paginator).__name__, "fields": asdict(paginator)},
    )


def continue_call(prepared: PreparedCall, point: ResumePoint) -> PreparedCall:
    """Return the call for the rows and pages from a point on."""
    if point == ResumePoint():
        return prepared
    source = prepared.source
    url = source.url if isinstance(source.url, str) else source.url[point.row :]
    call = prepare_call(source.frame.iloc[point.row :], url, source.options)
    if point.page is None:
        return call
    sent = call.requests.sent
    position = int(sent.row_to_request[0])
    origin = next(origin for origin, positions in sent.origins.items() if position in positions)
    headers = {**call.headers_for(origin), **sent.headers}
    first = sent.request(position, headers or NO_HEADERS)
    chain = _make_chain(point.page, first, call)
    return replace(call, resumption=Resumption(call.source.key, np.arange(len(call.frame)), {0: chain}))


def _make_chain(point: PagePoint, first: Request, call: PreparedCall) -> Chain:
    """Return the chain that goes on at a page; ``first`` is the row's first request, with its credentials."""
    paginator = as_paginator(call.options.paging)
    if paginator is None and point.paginator is not None:
        paginator = _load_paginator(point.paginator["type"], point.paginator["fields"])
    chain = Chain(paginator, first, record_path=point.record_path, options=paging_options(call, max_keys=STREAM_KEYS))
    chain.locator.columns = tuple(point.columns)
    pairs = [pair for pair in _pairs(chain.first.url) if pair.partition("=")[0] in point.credentials]
    url = point.url + "".join(("&" if "?" in point.url or at else "?") + pair for at, pair in enumerate(pairs))
    request = replace(first, url=url, method=point.method, body=_restore_body(point.body, chain.first))
    chain.continue_at(point.number, request, point.records)
    return chain


def _pairs(url: str) -> list[str]:
    return [pair for pair in url.partition("?")[2].split("&") if pair]


def _drop_credentials(url: str, first: str, key_params: Collection[str]) -> tuple[str, list[str]]:
    """Return a URL without the credentials of its first request, and the parameters that it lost.

    Examples
    --------
    >>> _drop_credentials("http://e.com/?page=2&api_key=x", "http://e.com/?api_key=x", ())
    ('http://e.com/?page=2', ['api_key'])
    """
    own = _pairs(first)
    names = {pair: pair.partition("=")[0] for pair in _pairs(url)}
    dropped = [pair for pair, name in names.items() if pair in own and (name in key_params or is_secret_name(name))]
    kept = [pair for pair in names if pair not in dropped]
    path = url.partition("?")[0]
    return path + "?" * bool(kept) + "&".join(kept), [names[pair] for pair in dropped]


def _find_new_fields(request: Request, first: Request) -> dict[str, Any] | str | None:
    """Return the fields of a JSON body that are not those of the first request; None for an equal body."""
    if request.body is None or request.body == first.body:
        return None
    try:
        own, before = parse_json_body(request), parse_json_body(first)
    except ParseError:
        return request.body.decode("utf-8", errors="replace")
    return {name: value for name, value in own.items() if name not in before or before[name] != value}


def _restore_body(new: Any, first: Request) -> bytes | None:
    if new is None:
        return first.body
    return new.encode() if isinstance(new, str) else dump_json({**parse_json_body(first), **new})


def _load_paginator(name: str, fields: dict[str, Any]) -> Any:
    kind: Any = next(each for each in PAGINATOR_TYPES if each.__name__ == name)
    return kind(**{field: tuple(value) if isinstance(value, list) else value for field, value in fields.items()})
