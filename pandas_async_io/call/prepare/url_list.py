"""The requests of a list of whole URLs, one for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.request.cell_values.values import check_params
from pandas_async_io._core.request.headers import check_headers
from pandas_async_io._core.request.rows.expand_urls import expand_urls
from pandas_async_io.call.prepare.credentials import check_credentials

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.request.credentials import Auth
    from pandas_async_io._core.request.rows.expansion import Expansion
    from pandas_async_io.client import Client
    from pandas_async_io.options import FetchOptions, ReadOptions


def expand_url_list(
    urls: Sequence[Any], options: FetchOptions | ReadOptions, client: Client, auth: Auth | None
) -> Expansion:
    """Expand a list of whole URLs, one for each row.

    Raises
    ------
    PlanError
        An option belongs to a template, or a credential would go to every host.
    """
    given = [url for url in urls if url is not None]
    if given and not any(isinstance(url, str) for url in given):
        raise PlanError(
            f"whole URLs are wanted, each a str, not {type(given[0]).__name__}: for the ids of a column write "
            "df.aio.fetch('https://api.example.com/items/{id}')"
        )
    if options.json is not None or options.data is not None or check_params(options.params):
        raise PlanError("params=, json= and data= belong to a template; whole URLs are sent as they are")
    if options.batch is not None:
        raise PlanError("batch= belongs to a template with a field for the keys, as {?id*}; these are whole URLs")
    check_credentials("whole URLs", client, auth)
    headers = check_headers(options.headers)
    method = "GET" if options.method is None else options.method
    return expand_urls(urls, base_url=client.base_url, method=method, headers=headers)
