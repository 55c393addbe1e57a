"""The options of the public functions, written out once.

A function that is decorated with `with_options` shows them in its signature (Shift-Tab
in a notebook is the manual), in its types and in its docstring.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Literal, ParamSpec, TypeVar

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.models import FORMATS
from pandas_async_io._core.numbers import check_positive_integer, check_positive_seconds

if TYPE_CHECKING:
    from pandas_async_io._core.models import Response
    from pandas_async_io._core.policy.rate import Rate
    from pandas_async_io._core.policy.retry_options import Retry
    from pandas_async_io._core.request.credentials import Auth
    from pandas_async_io._core.workflow.jobs.poll import Poll
    from pandas_async_io._core.workflow.paging.paginators import Paginator
    from pandas_async_io.client import Client

_CHOICES = {"how": ("left", "inner"), "errors": ("raise", "coerce"), "format": FORMATS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What every call may be told.

    Attributes
    ----------
    method : str, default "GET"
        Equal requests of GET, HEAD and OPTIONS are sent once.
    params, headers : mapping, optional
        Query parameters and header fields; values may hold fields (``"{column}"``).
    json, data : optional
        The body: a JSON value, whose leaves may be fields and keep their type; or text, bytes or a mapping of
        form fields.
    client : Client, optional
        Base URL, credentials, limits and the reused session. Without one, calls share a default client.
    auth : Auth, str or (str, str), optional
        In place of the client's.
    format : {"auto", "json", "ndjson", "csv", "tsv", "xml", "parquet", "arrow", "text", "bytes"}
        What the bodies are; "auto" goes by Content-Type, then by a look at the body.
    read_options : mapping, optional
        Options of `pandas.read_csv` or `pandas.read_xml`, for bodies of that format.
    parser : callable, optional
        Takes a `Response`; returns records (a list or a dict), a DataFrame or an Arrow table.
    error_when : str or callable, optional
        When a 200 is an error: a path (``"error.message"``) where something other than null, false, 0 or nothing
        stands, or a function of the payload that returns a message, or True.
    record_path, meta, sep, max_level
        As in `pandas.json_normalize`; ``"data.items"`` is a path.
    columns : list or mapping, optional
        The flat columns to keep (``"address.city"``), or their new names; one that no record has is told.
    pages : "auto", paginator or callable, optional
        Every page of every request: "auto" recognises the usual schemes and says which; `LinkHeader`, `NextUrl`,
        `Cursor`, `PageNumber`, `Offset`, `GraphQLCursor`, or a function of a `Page` that returns the next request's
        URL, or None.
    max_pages : int, optional
        Of each request's, at most.
    batch : int, optional
        Keys in one request, for the one field written ``{?id*}``, ``{id*}`` or, in ``json``, ``"{id*}"``. A request
        that is refused (400, 413, 414, 422) is halved until the bad key stands alone.
    on : str, optional
        With ``batch``: where a record has its key, ``"id"`` or ``"user.id"``; by default the field's name. It is
        not repeated among the columns, unless ``columns`` or ``schema`` name it.
    poll : Poll, optional
        Each request submits a job, whose result is the answer.
    schema : mapping, optional
        Exact types of some columns: ``{"id": "int64", "created": "datetime64[ns, UTC]", "tags": "list<string>"}``.
    dtype_backend : {"numpy_nullable", "pyarrow"}, optional
        As in pandas' readers.
    concurrency : int or "auto", optional
        Requests in flight to one origin (32); "auto" finds out how many it bears.
    rate : str, Rate or sequence of them, optional
        ``"20/s"``, ``"500/h"``; evenly spaced, with a margin of 10 %.
    retry : Retry or int, optional
        A number counts attempts, the first included (3).
    timeout : float, optional
        Seconds of one attempt, from the start of connecting to the last byte (30).
    deadline : float, optional
        Seconds for all sending; what is not sent by then ends ``not_attempted``, what is under way ``timeout``.
    max_requests : int, optional
        Requests for the whole call, repeated ones included; what redirects add is not counted, here and in ``rate``.
    progress : bool, optional
        None: on a terminal or in a notebook, after a second.
    """

    method: str = "GET"
    params: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None
    json: Any = None
    data: Any = None
    client: Client | None = None
    auth: Auth | str | tuple[str, str] | None = None
    format: str = "auto"
    read_options: Mapping[str, Any] | None = None
    parser: Callable[[Response], Any] | None = None
    error_when: str | Callable[[Any], Any] | None = None
    record_path: str | Sequence[str] | None = None
    meta: str | Sequence[str | Sequence[str]] | None = None
    sep: str = "."
    max_level: int | None = None
    columns: Sequence[str] | Mapping[str, str] | None = None
    pages: Literal["auto"] | Paginator | None = None
    max_pages: int | None = None
    batch: int | None = None
    on: str | None = None
    poll: Poll | None = None
    schema: Mapping[str, Any] | None = None
    dtype_backend: Literal["numpy_nullable", "pyarrow"] | None = None
    concurrency: int | Literal["auto"] | None = None
    rate: str | Rate | Sequence[str | Rate] | None = None
    retry: Retry | int | None = None
    timeout: float | None = None
    deadline: float | None = None
    max_requests: int | None = None
    progress: bool | None = None

    def __post_init__(self) -> None:
        for name, known in _CHOICES.items():
            value = getattr(self, name, known[0])
            if value not in known:
                raise PlanError(f"{name}={value!r}: choose one of {', '.join(map(repr, known))}")
        for name in ("prefix", "suffix"):
            if not isinstance(getattr(self, name, ""), str):
                raise PlanError(f"{name}={getattr(self, name)!r} is no text")
        if self.client is not None and not hasattr(self.client, "credentials_for"):
            raise PlanError(
                f"client= is a Client, as Client('https://api.example.com'), not a {type(self.client).__name__}"
            )
        self._check_ways()
        self._check_numbers()
        if not getattr(self, "suffix", "_"):
            raise PlanError("suffix='' would let an answer's column take the place of another: give it a text")

    def _check_numbers(self) -> None:
        """Make Python's own numbers of those that are given."""
        for name in ("deadline", "max_requests", "max_pages"):
            value = getattr(self, name)
            if value is not None:
                read = check_positive_seconds if name == "deadline" else check_positive_integer
                object.__setattr__(self, name, read(name, value))

    def _check_ways(self) -> None:
        """Refuse what has no meaning beside each other."""
        ways = [name for name in ("pages", "batch", "poll") if getattr(self, name) is not None]
        if len(ways) > 1:
            raise PlanError(f"{'= and '.join(ways)}= do not go together: one call does one of them")
        for name, needed in (("max_pages", "pages"), ("on", "batch")):
            if getattr(self, name) is not None and getattr(self, needed) is None:
                raise PlanError(f"{name}={getattr(self, name)!r} is about {needed}=, which is not given")
        if self.on is not None and (not isinstance(self.on, str) or not self.on):
            raise PlanError(f"on={self.on!r}: give the name of the key in a record, or its path, as on='user.id'")
        if self.batch is not None and self.meta is not None:
            raise PlanError("meta= and batch= do not go together: an envelope belongs to all of its keys")
        if self.poll is not None and type(self.poll).__name__ != "Poll":
            raise PlanError(f"poll={self.poll!r} is no Poll: pass poll=Poll(status='state', …)")


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchOptions(Options):
    """What a fetch may be told besides.

    Attributes
    ----------
    how : {"left", "inner"}
        Whether a row without records stays, with missing values, or goes.
    prefix : str
        Goes before the name of each new column.
    suffix : str, default "_api"
        Goes behind a new name that the frame has already; then ``_api2``, …
    join : bool, default True
        False: the answers alone, behind a column ``row`` with the position of the row that asked.
    errors : {"coerce", "raise"}
        Failed rows get missing values and one `FetchWarning` counts them; or, after the run, a `FetchError`.
    """

    how: Literal["left", "inner"] = "left"
    prefix: str = ""
    suffix: str = "_api"
    join: bool = True
    errors: Literal["coerce", "raise"] = "coerce"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions(Options):
    """What a read may be told besides.

    Attributes
    ----------
    over : mapping of str to sequence, optional
        Fields and their values: every combination is requested, in order; the values become leading columns.
    suffix : str, default "_api"
        Goes behind a record's column that has the name of a column of ``over``.
    errors : {"raise", "coerce"}
        What a failed request does: a `FetchError` after the run, or one `FetchWarning` and no rows.
    """

    over: Mapping[str, Iterable[Any]] | None = None
    suffix: str = "_api"
    errors: Literal["raise", "coerce"] = "raise"
    how: ClassVar[Literal["left", "inner"]] = "inner"
    prefix: ClassVar[str] = ""
    join: ClassVar[bool] = True


P = ParamSpec("P")
F = TypeVar("F")
U = TypeVar("U")
R = TypeVar("R")
Made = Callable[Concatenate[F, P], R]
MadeWithUrl = Callable[Concatenate[F, U, P], R]


def with_options(options: Callable[P, Options]) -> Callable[[Callable[Concatenate[F, ...], R]], Made[F, P, R]]:
    """Give a function ``(first, **options)`` the options' signature and documentation."""

    def dress(function: Callable[Concatenate[F, ...], R]) -> Made[F, P, R]:
        dressed: Made[F, P, R] = _add_options(function, options)
        return dressed

    return dress


def with_url_and_options(
    options: Callable[P, Options],
) -> Callable[[Callable[Concatenate[F, U, ...], R]], MadeWithUrl[F, U, P, R]]:
    """Give a method ``(self, url, **options)`` the options' signature and documentation."""

    def dress(function: Callable[Concatenate[F, U, ...], R]) -> MadeWithUrl[F, U, P, R]:
        dressed: MadeWithUrl[F, U, P, R] = _add_options(function, options)
        return dressed

    return dress


def _add_options(function: Any, options: Any) -> Any:
    known = inspect.signature(options).parameters
    own = inspect.signature(function)
    first = [value for value in own.parameters.values() if value.kind is not inspect.Parameter.VAR_KEYWORD]

    @wraps(function)
    def dressed(*args: Any, **given: Any) -> Any:
        unknown = next((name for name in given if name not in known and name not in own.parameters), None)
        if unknown is not None:
            nearest = get_close_matches(unknown, known, n=1)
            hint = f"; nearest: {nearest[0]!r}" if nearest else f"; its options: {', '.join(known)}"
            raise TypeError(f"{function.__name__}() got an unexpected option {unknown!r}{hint}")
        return function(*args, **given)

    vars(dressed)["__signature__"] = own.replace(parameters=[*first, *known.values()])
    dressed.__doc__ = inspect.cleandoc(function.__doc__ or "").replace("{options}", _documentation(options))
    return dressed


def _documentation(options: type[Options]) -> str:
    """Return the options' documentation, that of their base last."""
    kinds = [kind for kind in options.__mro__ if issubclass(kind, Options)]
    return "\n".join(inspect.cleandoc(kind.__doc__ or "").partition("----------\n")[2] for kind in kinds)
