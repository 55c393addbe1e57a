"""Credentials and idempotency keys of a job's requests, and the origins that they may go to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import NAMESPACE_OID, uuid5

from pandas_async_io._core.errors import UnsafeUrlError
from pandas_async_io._core.models import NO_HEADERS
from pandas_async_io._core.request.headers import merge_headers
from pandas_async_io._core.request.query import refresh_params
from pandas_async_io._core.security.origins import is_same_origin, parse_origin
from pandas_async_io._core.workflow.paging.links.links import add_credential_params, restrict_to_origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.models import Request


@dataclass(frozen=True, slots=True)
class RequestRules:
    """The rules of a call's client for requests that a server names.

    Attributes
    ----------
    allow_hosts : sequence of str
        Hosts besides the submission's origin where a job or a result may be; they get no headers.
    keys : sequence of str
        Query parameters that are credentials, as in `add_credential_params`.
    idempotency_key : str or None
        The header whose value distinguishes a submission from any other.
    """

    allow_hosts: Sequence[str] = ()
    keys: Sequence[str] = ()
    idempotency_key: str | None = None

    def authorize(self, submission: Request, request: Request) -> Request:
        """Return a request as it is sent: with the submission's credentials at its origin, without them elsewhere.

        Raises
        ------
        UnsafeUrlError
            It leaves the origin for a host that ``allow_hosts`` does not name.

        Examples
        --------
        >>> from pandas_async_io._core.models import Request
        >>> submission = Request("http://e.com/jobs?key=x", "POST", {"Authorization": "Bearer y"}, b"{}")
        >>> request = RequestRules(keys=["key"]).authorize(submission, Request("http://e.com/jobs/7"))
        >>> request.url, dict(request.headers)
        ('http://e.com/jobs/7?key=x', {'Authorization': 'Bearer y'})
        """
        headers = {name: value for name, value in submission.headers.items() if name.lower() != "content-type"}
        submission = replace(submission, headers=headers)
        try:
            allowed = restrict_to_origin(submission, replace(request, headers=NO_HEADERS), self.allow_hosts)
        except UnsafeUrlError as error:
            raise UnsafeUrlError(str(error).replace("the next page", "the job", 1)) from None
        return add_credential_params(submission, allowed, self.keys)

    def renew_idempotency_key(self, submission: Request, previous_jobs: int) -> Request:
        """Return a submission with a new key if it follows other jobs of its row: their key stands for their end.

        Examples
        --------
        >>> from pandas_async_io._core.models import Request
        >>> submission = Request("http://e.com/jobs", "POST", {"Idempotency-Key": "a"})
        >>> renewed = RequestRules(idempotency_key="Idempotency-Key").renew_idempotency_key(submission, 1)
        >>> renewed.headers["Idempotency-Key"] == "a"
        False
        """
        headers = {name.lower(): text for name, text in submission.headers.items()}
        key = headers.get((self.idempotency_key or "").lower())
        if self.idempotency_key is None or key is None or not previous_jobs:
            return submission
        new_key = str(uuid5(uuid5(NAMESPACE_OID, key), str(previous_jobs)))
        return replace(submission, headers=merge_headers(submission.headers, {self.idempotency_key: new_key}))


def refresh_credentials(request: Request, earlier_submission: Request, submission: Request) -> Request:
    """Return a request of an earlier run with the credentials in the query of this run's submission.

    A request to another origin stays as it is.
    """
    if is_same_origin(parse_origin(submission.url), parse_origin(request.url)):
        return refresh_params(request, earlier_submission, submission)
    return request
