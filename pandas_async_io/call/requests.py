"""The requests of a call: its URL, body and credentials, expanded over the rows of its frame."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pandas_async_io._core.errors import FetchWarning, PlanError
from pandas_async_io._core.models import NO_HEADERS
from pandas_async_io._core.request.expand import expand
from pandas_async_io._core.request.expand_urls import expand_urls
from pandas_async_io._core.request.graphql import GraphQL
from pandas_async_io._core.request.headers import check_headers
from pandas_async_io._core.request.request_template import check_method, compile_request_template
from pandas_async_io._core.request.text_template import TextTemplate
from pandas_async_io._core.workflow.batching.batches import Batches
from pandas_async_io._core.workflow.batching.key_field import (
    KeyField,
    find_key_field,
    find_list_fields,
    unwrap_list_fields,
)
from pandas_async_io.call.stack_level import find_user_stack_level

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.models import Request
    from pandas_async_io._core.request.credentials import Auth
    from pandas_async_io._core.request.expansion import Expansion
    from pandas_async_io._core.request.request_template import RequestTemplate
    from pandas_async_io.client import Client
    from pandas_async_io.options import FetchOptions, ReadOptions


@dataclass(frozen=True, slots=True)
class CallRequests:
    """The requests of a call, and which row needs which.

    Attributes
    ----------
    sent : Expansion
        The requests.
    rows : Expansion
        What each row needs: one of the requests, or with ``batch`` one of the keys.
    template : RequestTemplate or None
        With ``batch``: what the requests for other blocks of keys are made of.
    batches : Batches or None
        The keys, in blocks: one for each request.
    """

    sent: Expansion
    rows: Expansion
    template: RequestTemplate | None = None
    batches: Batches | None = None
    allow_hosts: Sequence[str] = ()

    def build_blocks(self, blocks: Sequence[Positions]) -> list[Request]:
        """Make the requests for other blocks of the keys."""
        if self.template is None or self.batches is None:
            raise TypeError("without batch there are no blocks")
        made = expand(self.batches.build_rows(blocks), self.template, allow_hosts=self.allow_hosts)
        return [made.request(at, NO_HEADERS) for at in made.row_to_request.tolist()]


def expand_call(
    frame: pd.DataFrame,
    url: str | Sequence[Any],
    options: FetchOptions | ReadOptions,
    client: Client,
    auth: Auth | None,
) -> CallRequests:
    """Expand a call over the rows of a frame.

    Parameters
    ----------
    url : str or sequence of str
        One template for all rows, or a whole URL for each row.

    Raises
    ------
    PlanError
        The call cannot be right.
    """
    if not isinstance(url, str):
        sent = _expand_urls(url, options, client, auth)
        return CallRequests(sent, sent)
    template = _compile_template(url, options, client, auth)
    if options.batch is not None:
        return _expand_batches(frame, template, options, options.batch, client)
    if not (template.text_fields or template.json_fields) and len(frame) > 1 and template.safe:
        text = "no field in the request: every row gets the same answer. In an f-string a field is {{column}}"
        warnings.warn(text, FetchWarning, stacklevel=find_user_stack_level())
    sent = expand(frame, template, allow_hosts=client.allow_hosts)
    return CallRequests(sent, sent)


def _compile_template(
    url: str, options: FetchOptions | ReadOptions, client: Client, auth: Auth | None
) -> RequestTemplate:
    query = options.json if isinstance(options.json, GraphQL) else None
    json = _get_body(options)
    if options.batch is None and (lists := find_list_fields(json)):
        raise PlanError(
            f"json= holds '{{{lists[0]}*}}', a list of keys: pass batch=50, the number of keys in a request, "
            f"or write '{{{lists[0]}}}' for one"
        )
    parts: dict[str, Any] = {
        "base_url": client.base_url,
        "method": options.method if query is None else query.method,
        "headers": options.headers,
        "json": json if options.batch is None else unwrap_list_fields(json),
        "data": options.data,
        "safe": query is not None and query.safe,
        "allow_hosts": client.allow_hosts,
    }
    template = compile_request_template(url, params=options.params, **parts)
    if template.origin is None:
        _check_credentials_origin("a host that rows decide", client, auth)
        _check_params("a host that rows decide", client, auth)
        return template
    _, own = client.credentials_for(template.origin, auth)
    # A brace in a key is no field.
    literal = {name: TextTemplate((value,)) if isinstance(value, str) else value for name, value in own.items()}
    return compile_request_template(url, params={**literal, **(options.params or {})}, **parts) if own else template


def _get_body(options: FetchOptions | ReadOptions) -> Any:
    """Return the body; a GraphQL query is a whole body, and is posted."""
    json = options.json
    if not isinstance(json, GraphQL):
        parts = json.values() if isinstance(json, Mapping) else json if isinstance(json, list | tuple) else ()
        if any(isinstance(part, GraphQL) for part in parts):
            raise PlanError("graphql() is a whole body: pass json=graphql(…) by itself, one query per request")
        return json
    if check_method(options.method) not in {"GET", "POST"}:  # the first is the default
        raise PlanError(f"method={options.method!r}: a query of graphql() is posted, leave method= out")
    return json.json


def _expand_batches(
    frame: pd.DataFrame, template: RequestTemplate, options: FetchOptions | ReadOptions, size: int, client: Client
) -> CallRequests:
    """Put many keys into each request; each row needs one key."""
    name = find_key_field(sorted(template.url_template.exploded_fields), _get_body(options))
    field = KeyField(
        name,
        other_fields=[
            other for other in dict.fromkeys([*template.text_fields, *template.json_fields]) if other != name
        ],
        json_fields=template.json_fields,
        in_body=name not in template.url_and_header_fields,
        in_path=name in template.url_template.path_fields,
    )
    batches = Batches.build(frame, field, size)
    sent = expand(batches.build_rows(batches.blocks), template, allow_hosts=client.allow_hosts)
    keys = sum(map(len, batches.blocks))
    urls, fine, unsafe = [""] * keys, np.zeros(keys + 1, dtype=bool), dict(batches.unsafe_rows)
    blocks: list[Positions] = [np.empty(0, np.int64)] * len(sent)
    for at, (block, request) in enumerate(zip(batches.blocks, sent.row_to_request.tolist(), strict=True)):
        if request >= 0:
            blocks[request] = np.concatenate([blocks[request], block])  # two may be written alike
            fine[block] = True
            for key in block.tolist():
                urls[key] = sent.urls[request]
        elif at in sent.unsafe:
            rows = np.flatnonzero(np.isin(batches.row_to_key, block))
            unsafe.update(dict.fromkeys(rows.tolist(), sent.unsafe[at]))
    row_to_key = np.where(fine[batches.row_to_key], batches.row_to_key, -1)
    rows_need = replace(sent, urls=urls, row_to_request=row_to_key, unsafe=unsafe, origins={}, builder=None)
    return CallRequests(sent, rows_need, template, replace(batches, blocks=blocks), client.allow_hosts)


def _expand_urls(
    urls: Sequence[Any], options: FetchOptions | ReadOptions, client: Client, auth: Auth | None
) -> Expansion:
    if options.json is not None or options.data is not None or options.params:
        raise PlanError("params=, json= and data= belong to a template; whole URLs are sent as they are")
    if options.batch is not None:
        raise PlanError("batch= belongs to a template with a field for the keys, as {?id*}; these are whole URLs")
    _check_credentials_origin("whole URLs", client, auth)
    _check_params("whole URLs", client, auth)
    headers = check_headers(options.headers)
    return expand_urls(urls, base_url=client.base_url, method=options.method, headers=headers)


def _check_credentials_origin(where: str, client: Client, auth: Auth | None) -> None:
    """Refuse credentials without an origin: they would go to every host."""
    if client.origin is None and (client.headers or client.auth.headers or client.auth.params or auth):
        raise PlanError(f"credentials and {where}: say where they belong, Client('https://api.example.com', …)")


def _check_params(where: str, client: Client, auth: Auth | None) -> None:
    """Refuse parameters that would have to be added to some of the URLs only."""
    if client.params or (auth or client.auth).params:
        raise PlanError(f"a client's params= and a key in the query can't be added to {where}")
