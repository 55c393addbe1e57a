"""One call, from its arguments to its frame: expand → drive → flatten → join."""

from __future__ import annotations

import asyncio
import sys
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from pandas_async_io._core.answers import Answers
from pandas_async_io._core.auth import as_auth
from pandas_async_io._core.backends import check_backend
from pandas_async_io._core.conform import conform
from pandas_async_io._core.course import Single
from pandas_async_io._core.errors import FetchError, FetchWarning, PlanError
from pandas_async_io._core.expand import Expansion, expand, expand_urls
from pandas_async_io._core.idempotency import keyed
from pandas_async_io._core.interpret import interpreter
from pandas_async_io._core.join import answers, join, positions
from pandas_async_io._core.models import SAFE_METHODS, Outcome, Result
from pandas_async_io._core.outcomes import Outcomes
from pandas_async_io._core.plan import Plan, plan_of
from pandas_async_io._core.ration import Ration
from pandas_async_io._core.recipe import compile_recipe
from pandas_async_io._core.report import Tally
from pandas_async_io._core.runs import KEY, Run, Runs, runs_of
from pandas_async_io._core.safety import Origin, check_headers, redact_url
from pandas_async_io._core.schema import as_text, compile_schema
from pandas_async_io._core.shape import compile_shape
from pandas_async_io._core.values import Text
from pandas_async_io._io import portal
from pandas_async_io._io.engine import Lane, drive
from pandas_async_io._io.progress import Progress
from pandas_async_io.client import default_client
from pandas_async_io.future import FrameFuture
from pandas_async_io.options import FetchOptions, ReadOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from pandas_async_io._core.keys import Positions


@dataclass(frozen=True, slots=True)
class Source:
    """What a call was made of; ``key`` is what its idempotency keys are derived from."""

    frame: pd.DataFrame
    url: str | Sequence[Any]
    options: FetchOptions | ReadOptions
    key: UUID = field(default_factory=uuid4)


class Call:
    """A call that is ready to be sent: everything that can be wrong before the first request has been checked.

    Parameters
    ----------
    frame : DataFrame
        The rows.
    url : str or sequence of str
        One template for all rows, or a whole URL for each row.
    options : FetchOptions or ReadOptions
        All others.
    key, rows : UUID, array of int64, optional
        Of the call that sent these rows before, and their positions in it.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        url: str | Sequence[Any],
        options: FetchOptions | ReadOptions,
        *,
        key: UUID | None = None,
        rows: Positions | None = None,
    ) -> None:
        self._source = Source(frame.copy(deep=False), url, options)  # the user may go on to change theirs
        self._key, self._rows = key or self._source.key, rows
        self._frame = frame
        self._options = options
        self._client = options.client or default_client()
        self._auth = None if options.auth is None else as_auth(options.auth)
        self._shape = compile_shape(
            record_path=options.record_path,
            meta=options.meta,
            sep=options.sep,
            max_level=options.max_level,
            columns=options.columns,
        )
        check_backend(options.dtype_backend)
        self._schema = compile_schema(options.schema, self._shape.columns)
        self._decode = interpreter(
            format=options.format,
            strict_json=self._client.strict_json,
            read_options=options.read_options,
            as_text=as_text(self._schema, self._shape.columns),
            parser=options.parser,
            error_when=options.error_when,
        )
        self._policy = self._client.policy(
            concurrency=options.concurrency, rate=options.rate, retry=options.retry, timeout=options.timeout
        )
        if not self._client.verifies:
            text = "this client has ssl=False: certificates are not verified, and anyone in between can read along"
            warnings.warn(text, FetchWarning, stacklevel=_outside())
        self._label = redact_url(url) if isinstance(url, str) else f"{len(url)} URLs"
        self._finished = False
        self.expansion = self._expand(url) if isinstance(url, str) else self._expand_urls(url)
        self._outcomes = Outcomes(self.expansion)
        self._answers = Answers(len(self.expansion), self._shape)
        self._tally = Tally()

    def _expand(self, url: str) -> Expansion:
        options, client = self._options, self._client
        parts: dict[str, Any] = {
            "base_url": client.base_url,
            "method": options.method,
            "headers": options.headers,
            "json": options.json,
            "data": options.data,
            "allow_hosts": client.allow_hosts,
        }
        recipe = compile_recipe(url, params=options.params, **parts)
        if recipe.origin is None:
            self._check_home("a host that rows decide")
            self._check_params("a host that rows decide")
        else:
            _, own = client.credentials(recipe.origin, self._auth)
            if own:  # a brace in a key is no field
                literal = {name: Text((value,)) if isinstance(value, str) else value for name, value in own.items()}
                recipe = compile_recipe(url, params={**literal, **(options.params or {})}, **parts)
        if not (recipe.texts or recipe.wholes) and len(self._frame) > 1 and options.method in SAFE_METHODS:
            text = "no field in the request: every row gets the same answer. In an f-string a field is {{column}}"
            warnings.warn(text, FetchWarning, stacklevel=_outside())
        return expand(self._frame, recipe, allow_hosts=client.allow_hosts)

    def _expand_urls(self, urls: Sequence[Any]) -> Expansion:
        options, client = self._options, self._client
        if options.json is not None or options.data is not None or options.params:
            raise PlanError("params=, json= and data= belong to a template; whole URLs are sent as they are")
        self._check_home("whole URLs")
        self._check_params("whole URLs")
        headers = check_headers(options.headers)
        return expand_urls(urls, base_url=client.base_url, method=options.method, headers=headers)

    def _check_home(self, where: str) -> None:
        """Refuse credentials that have no home: they would go to every host."""
        client = self._client
        if client.origin is None and (client.headers or client.auth.headers or client.auth.params or self._auth):
            raise PlanError(f"credentials and {where}: say where they belong, Client('https://api.example.com', …)")

    def _check_params(self, where: str) -> None:
        """Refuse what would have to be added to some of the URLs only."""
        if self._client.params or (self._auth or self._client.auth).params:
            raise PlanError(f"a client's params= and a key in the query can't be added to {where}")

    def _headers(self, origin: Origin) -> dict[str, str]:
        return self._client.credentials(origin, self._auth)[0]

    def plan(self) -> Plan:
        """Return what would be sent."""
        return plan_of(self.expansion, self._headers)

    async def drive(self) -> None:
        """Send everything; on the client's loop."""
        client, policy, options = self._client, self._policy, self._options
        now = asyncio.get_running_loop().time()
        ration = Ration(
            policy.concurrency,
            until=now + (float("inf") if options.deadline is None else options.deadline),
            max_requests=options.max_requests,
            retries=policy.retry.budget,
        )
        lanes = [
            Lane(
                requests=keyed(
                    self.expansion.requests(origin, self._headers(origin)),
                    policy.retry.idempotency_key,
                    self._key,
                    self.expansion.row_to_request,
                    self._rows,
                ),
                length=len(mine),
                gate=client.gate(origin),
                gates=client.gate,
                policy=policy,
                ration=ration,
                tally=self._tally,
                send=client.send,
                decode=self._decode,
                course=Single(self._deliver),
            )
            for origin, mine in self.expansion.origins.items()
        ]
        await drive(lanes, self._tally)

    def _deliver(self, position: int, result: Result) -> None:
        self._outcomes.put(position, result)
        self._answers.put(position, result.payload if result.outcome is Outcome.OK else None)

    def run(self, *, quiet: bool = False) -> pd.DataFrame:
        """Send everything and wait for the frame; Ctrl-C raises with the finished rows as ``.partial``."""
        progress = Progress(self._options.progress, lambda: self._outcomes.done, len(self.expansion))
        try:
            if len(self.expansion):
                self._client.run(self.drive, progress.tick)
        except KeyboardInterrupt as interrupt:
            vars(interrupt)["partial"] = self.finish(quiet=True)
            raise
        finally:
            progress.close()
        return self.finish(quiet=quiet)

    def start(self) -> FrameFuture:
        """Start sending and return at once."""
        loop = self._client.loop

        async def complete() -> pd.DataFrame:
            await self.drive()
            return await asyncio.get_running_loop().run_in_executor(None, self.finish)

        started = portal.start(complete, loop, self._partial)
        return FrameFuture(
            started,
            label=self._label,
            progress=lambda: (self._outcomes.done, len(self.expansion)),
            loop=loop,
            cancel=started.stop,
        )

    def _partial(self) -> pd.DataFrame | None:
        """Return the finished rows of a cancelled call; None if its frame was being made."""
        return None if self._finished else self.finish(quiet=True)

    def finish(self, *, quiet: bool = False) -> pd.DataFrame:
        """Return the frame: the answers beside their rows. Once per call.

        Raises
        ------
        FetchError
            If rows failed and ``errors="raise"``, unless ``quiet``.
        """
        self._finished = True
        options = self._options
        nullable = isinstance(options, FetchOptions)
        found = self._answers.columns(nullable=nullable)
        columns = conform(found, self._schema, backend=options.dtype_backend, nullable=nullable)
        self._outcomes.fail(columns.failures)
        how = options.how if isinstance(options, FetchOptions) else "inner"
        rows, take = positions(self.expansion.row_to_request, columns.counts, how=how)
        if isinstance(options, FetchOptions) and not options.join:
            frame = answers(columns.arrays, rows=rows, take=take, prefix=options.prefix, suffix=options.suffix)
        else:
            prefix = getattr(options, "prefix", "")
            frame = join(self._frame, columns.arrays, rows=rows, take=take, prefix=prefix, suffix=options.suffix)
        if isinstance(options, ReadOptions):
            frame = frame.reset_index(drop=True)
        run = Run(
            self._outcomes,
            self._frame.index,
            frame.index,
            rows,
            self._source,
            self._tally,
            self._policy.concurrency,
            columns.drifted,
        )
        return carry(frame, (*runs_of(self._frame), run), errors="ignore" if quiet else options.errors)


def carry(frame: pd.DataFrame, runs: tuple[Run, ...], *, errors: str) -> pd.DataFrame:
    """Hang the runs on a frame; say what failed in the last one.

    Raises
    ------
    FetchError
        If rows failed and ``errors`` is "raise".
    """
    frame.attrs[KEY] = Runs(uuid4().hex[:8], runs)
    outcomes = runs[-1].outcomes
    if errors == "ignore" or not outcomes.failed().any():
        return frame
    digest = outcomes.digest()
    if errors == "raise":
        message = f"{digest}. This error's .partial has the frame so far; .partial.aio.retry_failed() goes on"
        error = FetchError(message, partial=frame, failures=runs[-1].failures())
        for note in outcomes.notes():
            error.add_note(note)
        raise error
    warnings.warn(f"{digest}. See .aio.failures, .aio.retry_failed()", FetchWarning, stacklevel=_outside())
    return frame


def _outside() -> int:
    """Return the stack level of the user's own line."""
    frame, level = sys._getframe(1), 1  # noqa: SLF001 - as pandas finds its caller's line
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("pandas_async_io"):
        frame, level = frame.f_back, level + 1
    return level
