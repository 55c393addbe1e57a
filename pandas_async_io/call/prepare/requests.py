"""The requests of a call: its URL, body and credentials, expanded over the rows of its frame."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import FetchWarning, PlanError
from pandas_async_io._core.request.request_template import compile_request_template
from pandas_async_io._core.request.rows.expand import expand
from pandas_async_io._core.request.template.field_names import list_field_names
from pandas_async_io._core.request.template.url_template import write_field_name
from pandas_async_io._core.workflow.batching.key_field import (
    find_list_fields,
    unwrap_list_fields,
)
from pandas_async_io.call.prepare.batch_requests import expand_batches
from pandas_async_io.call.prepare.credentials import check_credentials
from pandas_async_io.call.prepare.prepared_call import CallRequests
from pandas_async_io.call.prepare.request_body import check_request_body, find_query, get_request_body
from pandas_async_io.call.prepare.url_list import expand_url_list
from pandas_async_io.call.stack_level import warn_user

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from pandas_async_io._core.request.credentials import Auth
    from pandas_async_io._core.request.request_template import RequestTemplate
    from pandas_async_io.client import Client
    from pandas_async_io.options import FetchOptions, ReadOptions


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
        sent = expand_url_list(url, options, client, auth)
        return CallRequests(sent, sent)
    template = _compile_template(frame, url, options, client, auth)
    if options.batch is not None:
        requests = expand_batches(frame, template, options, options.batch, client)
        _check_over(frame, template, options)
        return replace(requests, hints=template.hints)
    over = getattr(options, "over", None)
    if not over and not (template.text_fields or template.json_fields) and len(frame) > 1 and template.safe:
        text = "no field in the request: every row gets the same answer. In an f-string a field is {{column}}"
        warn_user(FetchWarning(text))
    sent = expand(frame, template, allow_hosts=client.allow_hosts)
    _check_over(frame, template, options)
    return CallRequests(sent, sent, hints=template.hints)


def _check_over(frame: pd.DataFrame, template: RequestTemplate, options: FetchOptions | ReadOptions) -> None:
    """Refuse values of ``over`` that make no request differ. A request that changes something may be repeated."""
    fields = {*template.text_fields, *template.json_fields}
    unused = [name for name in getattr(options, "over", None) or () if name not in fields]
    unused = [name for name in unused if len(set(map(str, frame[name]))) > 1]  # one value is a label
    if unused and template.safe:
        name = write_field_name(unused[0])
        raise PlanError(
            f"over= has {unused[0]!r}, and the request has no such field: each value would get the same answer. "
            f"Write {{{name}}} where it belongs, as in ?{name}={{{name}}}"
        )


def _compile_template(
    frame: pd.DataFrame, url: str, options: FetchOptions | ReadOptions, client: Client, auth: Auth | None
) -> RequestTemplate:
    check_request_body(options)
    query, json = find_query(options), get_request_body(options)
    if options.batch is None and (lists := find_list_fields(json)):
        raise PlanError(
            f"json= holds '{{{lists[0]}*}}', a list of keys: pass batch=50, the number of keys in a request, "
            f"or write '{{{lists[0]}}}' for one"
        )
    parts: dict[str, Any] = {
        "base_url": client.base_url,
        "method": options.method,
        "params": options.params,
        "headers": options.headers,
        "json": json if options.batch is None else unwrap_list_fields(json),
        "data": options.data,
        "safe": query is not None and query.safe,
        "allow_hosts": client.allow_hosts,
        "names": list_field_names(frame),
        "text_type": next((value for name, value in client.headers.items() if name.lower() == "content-type"), None),
        "credential_names": [*(auth or client.auth).headers, *(auth or client.auth).params],
        "na_action": options.na_action,
    }
    template = compile_request_template(url, **parts)
    if template.origin is None:
        check_credentials("a host that rows decide", client, auth)
        return template
    _, own = client.credentials_for(template.origin, auth)
    return compile_request_template(url, literal_params=own, **parts) if own else template
