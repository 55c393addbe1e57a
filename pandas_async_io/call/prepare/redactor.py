"""The redactor of a call: what hides its credentials in messages from servers."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pandas_async_io._core.models import NO_HEADERS
from pandas_async_io._core.request.template.text_template import TextTemplate
from pandas_async_io._core.security.redaction import (
    SecretRedactor,
    find_body_secrets,
    find_credential_secrets,
    find_named_secrets,
    find_url_secrets,
    has_row_credentials,
)
from pandas_async_io.call.prepare.request_body import get_request_body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pandas_async_io._core.models import Request
    from pandas_async_io._core.request.credentials import Auth
    from pandas_async_io.call.prepare.prepared_call import CallRequests
    from pandas_async_io.call.prepare.source import Source
    from pandas_async_io.client import Client


def make_redactor(source: Source, client: Client, auth: Auth | None, requests: CallRequests) -> SecretRedactor:
    """Return what redacts the credentials of a call, its client and its client's session."""
    options, session = source.options, client.transport.session
    who, headers = auth or client.auth, [client.headers, options.headers]
    if session is not None:
        headers += session.headers
    urls = [client.base_url, source.url if isinstance(source.url, str) else ""]
    body = get_request_body(options) if options.data is None else options.data
    parts = [*headers, client.params, options.params, body]
    secrets = [
        *chain.from_iterable(map(find_credential_secrets, who.headers.values())),
        *map(str, who.params.values()),
        *find_named_secrets(parts),
        *(find_body_secrets(body) if isinstance(body, str | bytes) else ()),
        *chain.from_iterable(map(find_url_secrets, urls)),
    ]
    names = [*who.headers, *who.params]
    is_text = isinstance(options.data, str) and _has_fields(options.data)
    if requests.batches is not None or not (is_text or has_row_credentials(parts, urls[1])):
        return SecretRedactor(secrets, names=names)
    return SecretRedactor(secrets, lambda position: _find_request_secrets(requests, position), names=names)


def _has_fields(text: str) -> bool:
    return bool(TextTemplate.compile(text).fields)


def _find_request_secrets(requests: CallRequests, position: int) -> Iterator[str]:
    yield from find_request_secrets(requests.sent.request(position, NO_HEADERS))


def find_request_secrets(request: Request) -> Iterator[str]:
    """Return the secrets in the headers, the URL and the body of a request."""
    yield from find_named_secrets(request.headers)
    yield from map(unquote, find_url_secrets(request.url))
    yield from find_body_secrets(request.body or b"")
