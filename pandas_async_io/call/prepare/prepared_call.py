"""The values of a prepared call: its requests, and everything compiled from its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.models import NO_HEADERS
from pandas_async_io._core.request.rows.expand import expand

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    import pandas as pd

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.body.interpret import Interpreter
    from pandas_async_io._core.models import Request
    from pandas_async_io._core.policy.policy import Policy
    from pandas_async_io._core.request.credentials import Auth
    from pandas_async_io._core.request.request_template import RequestTemplate
    from pandas_async_io._core.request.rows.expansion import Expansion
    from pandas_async_io._core.security.origins import Origin
    from pandas_async_io._core.security.redaction import SecretRedactor
    from pandas_async_io._core.table.records.shape import Shape
    from pandas_async_io._core.workflow.batching.batches import Batches
    from pandas_async_io._core.workflow.batching.workflow import StoredBlock
    from pandas_async_io._io.storage.store import Store
    from pandas_async_io.call.prepare.source import Resumption, Source
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
    part_keys : sequence of RequestKey or None
        With ``batch`` and a store: what the answer to each key is kept under.
    stored : sequence of StoredBlock
        With ``batch`` and a store: the kept answers, which stand for requests.
    hints : tuple of str
        What the user must know of the requests although rows may be ``ok``.
    """

    sent: Expansion
    rows: Expansion
    template: RequestTemplate | None = None
    batches: Batches | None = None
    allow_hosts: Sequence[str] = ()
    hints: tuple[str, ...] = ()
    part_keys: Sequence[Any] = ()
    stored: Sequence[StoredBlock] = ()

    def build_blocks(self, blocks: Sequence[Positions]) -> list[Request]:
        """Make the requests for other blocks of the keys."""
        if self.template is None or self.batches is None:
            raise TypeError("without batch there are no blocks")
        made = expand(self.batches.build_rows(blocks), self.template, allow_hosts=self.allow_hosts)
        return [made.request(at, NO_HEADERS) for at in made.row_to_request.tolist()]


@dataclass(frozen=True, slots=True)
class PreparedCall:
    """A call that is ready to be sent: every check that needs no response has been made.

    Attributes
    ----------
    source : Source
        The arguments; its frame is a copy, because the user may change theirs.
    client : Client
        The call's or the default one.
    auth : Auth or None
        The call's own, in place of its client's.
    requests : CallRequests
        The requests, and which row needs which.
    shape : Shape
        Where the records are.
    schema : object
        The exact types, compiled.
    decode : Interpreter
        Takes a response and returns its payload.
    policy : Policy
        Concurrency, rates, retries and timeout.
    redactor : SecretRedactor
        Hides the call's credentials in messages from servers.
    resumption : Resumption or None
        The part of an earlier run that the call continues.
    store : Store or None
        Where answers are kept.
    """

    source: Source
    client: Client
    auth: Auth | None
    requests: CallRequests
    shape: Shape
    schema: Any
    decode: Interpreter
    policy: Policy
    redactor: SecretRedactor
    resumption: Resumption | None = None
    store: Store | None = None

    @property
    def frame(self) -> pd.DataFrame:
        """The rows."""
        return self.source.frame

    @property
    def options(self) -> FetchOptions | ReadOptions:
        """The call's options."""
        return self.source.options

    @property
    def idempotency_seed(self) -> UUID:
        """What the call's idempotency keys derive from: the earlier call's if it continues one."""
        return self.source.key if self.resumption is None else self.resumption.key

    def headers_for(self, origin: Origin) -> dict[str, str]:
        """Return the headers that the client and the call's credentials add to requests to an origin."""
        return self.client.credentials_for(origin, self.auth)[0]
