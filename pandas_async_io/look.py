"""``look``: sends one request, and suggests the options that make its answer a tidy frame."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io.option_signatures import with_some_options
from pandas_async_io.options import ReadOptions
from pandas_async_io.reader import make_call

if TYPE_CHECKING:
    from pandas_async_io._core.models import Response
    from pandas_async_io._core.report.look.findings import Look

_ACCEPTED = (
    *("over", "method", "params", "headers", "json", "data", "na_action", "client", "auth"),
    *("format", "read_options", "encoding", "retry", "timeout", "deadline"),
)
"""Options that decide what is sent, and how the body is decoded."""

_KEPT = ("format", "read_options", "encoding")
"""Options that the suggestion repeats, because the payload depends on them."""


@with_some_options(ReadOptions, _ACCEPTED)
def look(url: str, **options: Any) -> Look:
    """Send one request, and show its answer as a tree with the options that make it a tidy frame.

    Parameters
    ----------
    url : str
        A URL template. With ``over``, each field has its first value.
    {options}

    Returns
    -------
    Look
        Shown as text, or as HTML in a notebook. Its ``.options`` go to the call: ``read_api(url, **look.options)``.

    Raises
    ------
    PlanError
        The template or an option is wrong; raised before anything is sent.
    FetchError
        The request failed.

    Examples
    --------
    >>> import pandas_async_io as paio
    >>> with paio.demo.serve() as api:
    ...     found = paio.look(api + "/paged/pages")
    >>> found.options["record_path"], found.options["pages"]
    ('data', PageNumber(total_pages='meta.total_pages'))
    """
    from pandas_async_io._core.models import NO_HEADERS, Page  # noqa: PLC0415 - an import of the package stays fast
    from pandas_async_io._core.report.look.findings import look_at  # noqa: PLC0415 - as above

    if not isinstance(url, str):
        raise PlanError("look takes one URL template; for many URLs use read_api")
    if isinstance(over := options.get("over"), dict):
        options["over"] = {name: list(values)[:1] for name, values in over.items()}
    plain = replace(ReadOptions(**options), pages=None, progress=False)
    decode = make_call(url, plain).prepared.decode
    kept: list[tuple[Response, Any]] = []

    def keep(response: Response) -> None:
        kept.append((response, decode(response)))

    call = make_call(url, replace(plain, format="auto", read_options=None, parser=keep))
    call.run()
    response, payload = kept[-1]
    prepared = call.prepared
    request = prepared.requests.sent.request(0, NO_HEADERS)
    line = prepared.redactor.redact(f"{request.method} {redact_url(request.url)}")
    given = {name: options[name] for name in _KEPT if name in options}
    return look_at(Page(request, response, payload), line, given, decode.findings.get(0, ()))
