"""The options of the public functions, written out once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pandas_async_io._core import numbers
from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.json_path import as_path
from pandas_async_io._core.models import FORMATS, NA_ACTIONS
from pandas_async_io._core.option_values import NOT_GIVEN, NotGiven, check_choice, check_flag, check_hooks, check_text
from pandas_async_io._core.words import show_value

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from pandas_async_io._core.models import Response
    from pandas_async_io._core.policy.retries.retry_options import Retry
    from pandas_async_io._core.policy.throttling.rate import Rate
    from pandas_async_io._core.request.credentials import AuthOption
    from pandas_async_io._core.workflow.jobs.poll import Poll
    from pandas_async_io._core.workflow.paging.paginators.paginators import Paginator
    from pandas_async_io._io.storage.store import Store
    from pandas_async_io.client import Client

_CHOICES = {"how": ("left", "inner"), "errors": ("raise", "coerce"), "format": FORMATS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options that every call takes.

    Attributes
    ----------
    method : str, optional
        HTTP method: by default POST with ``json`` or ``data``, GET without. Equal requests of GET, HEAD and OPTIONS are
        sent once; a POST is sent for each row, and not repeated where the server may have received it.
    params, headers : mapping, optional
        Query parameters and header fields. Values may hold fields (``"{column}"``), written as the
        column is called.
    json, data : optional
        The body: a JSON value, whose leaves may be fields and keep their type; or text, bytes or a mapping of
        form fields. In a text, values are escaped if the Content-Type is XML.
    na_action : {"ignore", "omit", "send"}, optional
        What a missing value does. By default its place decides: without a value in the URL's text, a header or a text
        with more than the field, the row is not sent; a parameter or form field that is the field alone is left out; a
        JSON value that is the field alone is ``null``, in PATCH its key is left out. "ignore": the row is not sent.
        "omit": each value that is the field alone is left out, with its JSON key or header. "send": it is ``null`` in
        JSON and the empty text in queries and forms. A row without any value is not sent, nor is one of DELETE, PUT or
        PATCH without a value in the URL or ``params``.
    client : Client, optional
        Base URL, credentials, limits and connections. Without one, calls share a default client.
    auth : Auth, str or (str, str), optional
        Credentials for this call in place of the client's. A str is a bearer token; ``env("NAME")`` is read when sent.
    format : {"auto", "json", "ndjson", "csv", "tsv", "xml", "parquet", "arrow", "text", "bytes"}, default "auto"
        Format of the bodies. "auto" decides by Content-Type; if that names no format, by the suffix of the URL
        (``.csv``, ``.ndjson.gz``), then by the body. A ``.gz``, ``.bz2``, ``.zst`` or ``.zip`` of one file is
        unpacked; "bytes" keeps it.
    encoding : str, optional
        Charset of the bodies (``"cp1252"``), in place of the header's. A byte order mark goes first.
    read_options : mapping, optional
        Options for `pandas.read_csv` or `pandas.read_xml`, for bodies of that format. Without them XML is read as JSON
        is: elements and attributes are fields, repeated ones are lists, and a column of numbers is one.
    parser : callable, optional
        Function of a `Response` that returns records (a list or a dict), a DataFrame or an Arrow table.
    empty_when : collection of int, path or callable, optional
        Which answers have no records: statuses (``{404}``), a path whose value is not null, false, 0 or empty, or a
        function of the `Response` that returns True. The row is ``ok``, without records; in a series of pages it is the
        end. Asked before ``Retry(when=...)`` and ``error_when``. A 304 to your ``If-None-Match`` is such an answer.
    error_when : collection of int, path or callable, optional
        When a 200 is an error, in the same forms: a path (``"error.message"``) in the body, or in a record of a list
        or stream; a function of the `Response` that returns a message or True.
    record_path, meta, sep, max_level
        As in `pandas.json_normalize`. ``"data.items"`` is a path; in a list, a number is a position
        (``"result.0.series"``, ``[1]``); ``*`` is every value of an object or a list. An answer that leaves
        ``record_path`` out has no records, and a missing ``meta`` field is a missing value; if no answer has it, a
        hint names the nearest path, and ``errors="raise"`` raises.
    orient : {"records", "columns", "index", "values", "split"}, default "records"
        The form of the records at ``record_path``, as in `pandas.read_json`: "columns" is an object of equally long
        arrays (a scalar beside them is repeated) or of equally keyed objects, "index" an object with a record per
        key, "values" a list of lists, "split" an object with ``columns`` and ``data``. Keys, and row labels other
        than 0, 1, …, become a column ``"key"``. Cells that all are ``{"v": x}`` or ``{"value": x}`` are unwrapped.
    names : list of str, int or str, optional
        Names of the columns of "values" and "index": a list; the row that holds them, as ``header=`` in
        `pandas.read_csv`; or a path to a list of them (``"columns"``, ``"schema.fields.name"``). Without it they are
        ``"0"``, ``"1"``, …. For "index" the first name is that of the key column.
    columns : list or mapping, optional
        The flat columns to keep (``"address.city"``), or a mapping to their new names; a number is a position in a
        list, ``*`` all its elements (``{"choices.0.text": "answer"}``). A warning names a column that no record has.
    explode : str or list of str, optional
        Columns with lists whose elements become rows, as in `DataFrame.explode`, and their fields columns
        (``explode="lines"`` gives ``"lines.sku"``). Several lists of a record must have one length.
    pages : "auto", paginator or callable, optional
        Read every page of every request. "auto" recognises the usual schemes and reports which it found; others
        are `LinkHeader`, `NextUrl`, `Cursor`, `PageNumber`, `Offset`, `GraphQLCursor`, or a function of a `Page`
        that returns the URL of the next request, or None. None keeps the one answer; so does the default, with a
        `HintWarning` if that answer has further pages.
    max_pages : int, optional
        Pages of each request, at most. No limit by default.
    batch : int, optional
        Keys per request, for the one field written ``{?id*}``, ``{id*}`` or, in ``json``, ``"{id*}"``. A refused
        request (400, 413, 414, 422) is halved until the bad key is alone.
    on : path, optional
        With ``batch``: where a record holds its key, ``"id"`` or ``"user.id"``; the field's name by default. Not
        repeated among the columns, unless ``columns`` or ``schema`` name it.
    poll : Poll, optional
        Each request submits a job; the result of the job is the response.
    schema : mapping, optional
        Exact types of some columns: ``{"id": "int64", "created": "datetime64[ns, UTC]", "tags": "list<string>"}``.
        Numbers become times: ``"datetime64[ms, UTC]"`` counts milliseconds since 1970; in ``"datetime64"`` and
        ``"datetime64[UTC]"`` the size of the column's largest number says what they count.
    dtype_backend : {"numpy_nullable", "pyarrow"}, optional
        As in pandas' readers.
    concurrency : int or "auto", optional
        Requests in flight to one origin, 32 by default. "auto" adapts to what the server accepts.
    rate : str, Rate or sequence of them, optional
        Requests per time, ``"20/s"`` or ``"500/h"``, evenly spaced, with a margin of 10 %. No limit by default.
    retry : Retry or int, optional
        Which failed requests are repeated. A number counts attempts, the first included; 4 by default. The last
        one starts at the earliest 5 s after the first failure: see ``Retry(patience=...)``.
    timeout : float, optional
        Seconds of one attempt, from the start of connecting to the last byte; 30 by default.
    deadline : float, optional
        Seconds for the whole call. A request not sent by then ends ``not_attempted``, one in flight ``timeout``.
    max_requests : int, optional
        Requests of the whole call, retries included. Redirects are not counted, neither here nor in ``rate``.
    store : str, Path or Store, optional
        A file in which answers are kept: a rerun sends only the requests whose answers are missing. ``Store(…)`` has
        options: how long they are kept, and recording and replaying. By default the client's store, or none.
    chunksize : int, optional
        Rows of a frame: the call returns an iterator over frames, for results larger than memory. Use it with
        ``for`` or ``async for``. At most about two chunks are held.
    progress : bool, optional
        Whether to show a progress bar; by default on a terminal or in a notebook, after a second. The thread that waits
        draws it: a future's while somebody waits for a future.
    hooks : callable or sequence of callable, default ()
        Functions of an event, called as it happens: see `events`. Those of the client come first.
    """

    method: str | None = None
    params: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None
    json: Any = None
    data: Any = None
    na_action: Literal["ignore", "omit", "send"] | None = None
    client: Client | None = None
    auth: AuthOption | None = None
    format: str = "auto"
    encoding: str | None = None
    read_options: Mapping[str, Any] | None = None
    parser: Callable[[Response], Any] | None = None
    empty_when: int | str | Collection[int] | Sequence[str | int] | Callable[[Response], Any] | None = None
    error_when: int | str | Collection[int] | Sequence[str | int] | Callable[[Response], Any] | None = None
    record_path: str | Sequence[str | int] | None = None
    orient: Literal["records", "columns", "index", "values", "split"] = "records"
    names: str | int | Sequence[str] | None = None
    meta: str | Sequence[str | Sequence[str | int]] | None = None
    sep: str = "."
    max_level: int | None = None
    columns: Sequence[str] | Mapping[str, str] | None = None
    explode: str | Sequence[str] | None = None
    pages: Literal["auto"] | Paginator | NotGiven | None = NOT_GIVEN
    max_pages: int | None = None
    batch: int | None = None
    on: str | Sequence[str | int] | None = None
    poll: Poll | None = None
    schema: Mapping[str, Any] | None = None
    dtype_backend: Literal["numpy_nullable", "pyarrow"] | None = None
    concurrency: int | Literal["auto"] | None = None
    rate: str | Rate | Sequence[str | Rate] | None = None
    retry: Retry | int | None = None
    timeout: float | None = None
    deadline: float | None = None
    max_requests: int | None = None
    store: str | os.PathLike[str] | Store | None = None
    chunksize: int | None = None
    progress: bool | None = None
    hooks: Callable[[Any], object] | Sequence[Callable[[Any], object]] = ()

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            check_choice(name, getattr(self, name, choices[0]), choices)
        if self.na_action is not None:
            check_choice("na_action", self.na_action, NA_ACTIONS)
        for name in ("prefix", "suffix"):
            check_text(name, getattr(self, name, ""))
        if not getattr(self, "suffix", "_"):
            raise PlanError("suffix='' would let a new column replace another one: pass a text, as suffix='_api'")
        if self.client is not None:
            self._check_client()
        self._check_workflow()
        self._convert_values()

    @property
    def paging(self) -> Literal["auto"] | Paginator | None:
        """How the pages are read; None: each request has one answer."""
        return None if isinstance(self.pages, NotGiven) else self.pages

    def _check_client(self) -> None:
        from pandas_async_io.client import Client  # noqa: PLC0415 - a client needs aiohttp, an import must not

        if not isinstance(self.client, Client):
            raise PlanError(f"client={show_value(self.client)}: pass a Client, as Client('https://api.example.com')")

    def _convert_values(self) -> None:
        """Replace numpy's numbers and bools and pandas' durations by Python's."""
        for name in ("join", "progress"):
            value = getattr(self, name)
            if type(value) is not bool and (name == "join" or value is not None):
                object.__setattr__(self, name, check_flag(name, value))
        object.__setattr__(self, "hooks", check_hooks(self.hooks))
        for name in ("deadline", "max_requests", "max_pages", "chunksize"):
            value = getattr(self, name)
            if value is not None:
                check = numbers.check_positive_seconds if name == "deadline" else numbers.check_positive_integer
                object.__setattr__(self, name, check(name, value))

    def _check_workflow(self) -> None:
        """Refuse options that exclude each other, or that need one that is not given."""
        given = {"pages": self.paging, "batch": self.batch, "poll": self.poll}
        workflows = [name for name, value in given.items() if value is not None]
        if len(workflows) > 1:
            raise PlanError(f"{'= and '.join(workflows)}= exclude each other: pass one of them")
        for name, needed in (("max_pages", "pages"), ("on", "batch")):
            if getattr(self, name) is not None and given[needed] is None:
                raise PlanError(f"{name}={show_value(getattr(self, name))} needs {needed}=, which is not given")
        on = None if self.on is None else as_path(self.on)
        if self.on is not None and on is None:
            raise PlanError(
                f"on={show_value(self.on)} must be the name of the key in a record or its path, as on='user.id'"
            )
        if self.batch is not None and self.meta is not None:
            raise PlanError("meta= and batch= exclude each other: the envelope belongs to all keys of a request")
        if self.poll is not None:
            self._check_poll()

    def _check_poll(self) -> None:
        from pandas_async_io._core.workflow.jobs.poll import Poll  # noqa: PLC0415 - keeps the import of this package fast

        if not isinstance(self.poll, Poll):
            raise PlanError(f"poll={show_value(self.poll)} is not a Poll: pass poll=Poll(status='state', …)")


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchOptions(Options):
    """The options of a fetch.

    Attributes
    ----------
    how : {"left", "inner"}, default "left"
        Whether a row without records is kept, with missing values, or dropped.
    prefix : str, default ""
        Prefix of the name of each new column.
    suffix : str, default "_api"
        Suffix of a new column whose name the frame already has; then ``_api2``, …
    join : bool, default True
        False returns the records alone, after a column ``row`` with the position of the row that requested them.
    errors : {"coerce", "raise"}, default "coerce"
        "coerce" fills failed rows with missing values and counts them in one `FetchWarning`; "raise" raises a
        `FetchError` after the run.
    """

    how: Literal["left", "inner"] = "left"
    prefix: str = ""
    suffix: str = "_api"
    join: bool = True
    errors: Literal["coerce", "raise"] = "coerce"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions(Options):
    """The options of a read.

    Attributes
    ----------
    over : mapping of str to sequence, optional
        Fields and their values: every combination is requested, in order. The values become leading columns.
    suffix : str, default "_api"
        Suffix of a record's column that has the name of a column of ``over``.
    errors : {"raise", "coerce"}, default "raise"
        "raise" raises a `FetchError` after the run if a request failed; "coerce" leaves its rows out and counts
        them in one `FetchWarning`.
    """

    over: Mapping[str, Iterable[Any]] | None = None
    suffix: str = "_api"
    errors: Literal["raise", "coerce"] = "raise"
    how: ClassVar[Literal["left", "inner"]] = "inner"
    prefix: ClassVar[str] = ""
    join: ClassVar[bool] = True
