"""Where the credentials of a call may go, and what a 401 says where they did not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.request.credentials import has_authorization
from pandas_async_io._core.security.origins import is_same_origin

if TYPE_CHECKING:
    from pandas_async_io._core.report.outcomes import Outcomes
    from pandas_async_io._core.request.credentials import Auth
    from pandas_async_io.call.prepare.prepared_call import PreparedCall
    from pandas_async_io.client import Client


def check_credentials(where: str, client: Client, auth: Auth | None) -> None:
    """Refuse credentials without an origin, and parameters that would have to be added to some of the URLs only.

    Raises
    ------
    PlanError
        The first would go to every host.
    """
    if client.origin is None and (client.headers or client.auth.headers or client.auth.params or auth):
        raise PlanError(f"credentials and {where}: say where they belong, Client('https://api.example.com', …)")
    if client.params or (auth or client.auth).params:
        raise PlanError(f"a client's params= and a key in the query can't be added to {where}")


def explain_unsent_credentials(call: PreparedCall, outcomes: Outcomes) -> None:
    """Say at each 401 of an origin that is not the client's that the credentials were not sent there."""
    requests, client = call.requests, call.client
    credential = call.auth or client.auth
    has_some = has_authorization(client.headers) or credential.headers or credential.params
    if client.origin is None or not has_some or has_authorization(call.options.headers):
        return
    for origin, positions in requests.sent.origins.items():
        if not is_same_origin(client.origin, origin):
            note = f"the client's credentials were not sent: they belong to {client.origin}, this is {origin}"
            outcomes.add_note_to_401(positions if requests.batches is None else range(len(requests.rows)), note)
