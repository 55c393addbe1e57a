"""The redactor of a call: what hides its credentials in messages from servers."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from pandas_async_io._core.models import NO_HEADERS
from pandas_async_io._core.security.redaction import (
    SecretRedactor,
    find_credential_secrets,
    find_named_secrets,
    find_url_secrets,
    has_row_credentials,
)

if TYPE_CHECKING:
    from pandas_async_io._core.request.credentials import Auth
    from pandas_async_io.call.prepared_call import CallRequests
    from pandas_async_io.call.source import Source
    from pandas_async_io.client import Client


def make_redactor(source: Source, client: Client, auth: Auth | None, requests: CallRequests) -> SecretRedactor:
    """Return what redacts the credentials of a call, its client and its client's session."""
    options, session = source.options, client.session
    who, headers = auth or client.auth, [client.headers, options.headers]
    if session is not None:
        headers += [session.headers, {"Authorization": session.auth.encode() if session.auth else ""}]
    urls = [client.base_url, source.url if isinstance(source.url, str) else ""]
    secrets = [
        *chain.from_iterable(map(find_credential_secrets, who.headers.values())),
        *map(str, who.params.values()),
        *find_named_secrets([*headers, client.params, options.params, options.json, options.data]),
        *chain.from_iterable(map(find_url_secrets, urls)),
    ]
    names = [*who.headers, *who.params]
    if not has_row_credentials(options.headers) or requests.batches is not None:
        return SecretRedactor(secrets, names=names)
    sent = requests.sent
    return SecretRedactor(
        secrets, lambda position: find_named_secrets(sent.request(position, NO_HEADERS).headers), names=names
    )
