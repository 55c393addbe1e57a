"""Every option with values of every kind: it works, or raises our error before the first request and names the option.

The slow tests pass each of the odd values to each option and run the call. The others pass a sample of the values to
the options that `plan`, a client or another object takes.
"""

from __future__ import annotations

import inspect
import warnings
from dataclasses import fields

import pandas as pd
import pytest

import pandas_async_io as paio
from pandas_async_io.options import FetchOptions, ReadOptions
from tests.e2e.odd_values import COLLECTIONS, NUMBERS, ODD_VALUES, TEXTS

FRAME = pd.DataFrame({"id": [1]})
URL = "/users/{id}"
QUERY = "query($a: Int) { a }"
NEEDS = {"max_pages": {"pages": "auto"}, "on": {"batch": 2}}
"""Options that another one needs."""

NESTED = {
    "params": [lambda value: {"q": value}, lambda value: {value: "q"}, lambda value: {"q": [value]}],
    "headers": [lambda value: {"X-A": value}, lambda value: {value: "q"}],
    "json": [lambda value: {"q": value}, lambda value: {value: "q"}, lambda value: [value]],
    "data": [lambda value: {"q": value}, lambda value: {value: "q"}, lambda value: {"q": [value]}],
    "columns": [lambda value: [value], lambda value: {"id": value}, lambda value: {value: "id"}],
    "meta": [lambda value: [value], lambda value: [[value]]],
    "record_path": [lambda value: [value]],
    "schema": [lambda value: {"id": value}, lambda value: {value: "int64"}],
    "read_options": [lambda value: {value: 1}],
    "auth": [lambda value: (value, "p"), lambda value: ("u", value)],
    "rate": [lambda value: [value]],
}
"""The values inside an option: each function makes the option of one value."""

BOOLS = {"True", "False", "np.True_", "np.False_"}
COUNTS = {"one", "three", "np.int64(3)"}
POSITIVE = COUNTS | {"1.5", "np.float64(2.5)", "Fraction(1, 3)", "5e-324"}
SECONDS = POSITIVE | {"Timedelta", "np.timedelta64"}
FUNCTIONS = {"function", "generator function", "type", "generic type", "mock", "Client class", "LinkHeader class"}
LISTS = {name for name in COLLECTIONS if "dict" not in name or name == "dict keys"}
WORDS = set(TEXTS) - {"empty bytes", "bytes", "bytearray", "memoryview", "Path", "pattern", "UUID"}
PATHS = WORDS | {"list of 1", "list of a", "pair of texts", "pair with a number"}

ACCEPTED = {
    "method": {"a", "auto", "inner", "long", "np.str_"},
    "auth": WORDS | {"Bearer", "pair of texts"},
    "format": {"auto"},
    "read_options": {"empty dict"},
    "parser": FUNCTIONS,
    "empty_when": FUNCTIONS | PATHS,
    "error_when": FUNCTIONS | PATHS,
    "sep": WORDS,
    "prefix": WORDS,
    "suffix": WORDS,
    "on": WORDS | {"list of 1", "list of a", "pair of texts", "pair with a number"},
    "max_level": COUNTS | {"zero"},
    "pages": FUNCTIONS - {"type", "Client class", "LinkHeader class"} | {"auto", "LinkHeader"},
    "max_pages": COUNTS,
    "batch": COUNTS,
    "max_requests": COUNTS,
    "concurrency": COUNTS | {"auto"},
    "retry": COUNTS | {"Retry"},
    "rate": POSITIVE | {"Rate", "list of 1", "array", "array of one", "series", *(n for n in LISTS if "empty" in n)},
    "timeout": SECONDS,
    "deadline": SECONDS,
    "poll": {"Poll"},
    "schema": {"empty dict"},
    "dtype_backend": set(),
    "client": set(),
    "how": {"inner"},
    "errors": set(),
    "join": BOOLS,
    "progress": BOOLS,
    "hooks": {"function", "generator function", "generic type", "mock"}
    | {f"empty {kind}" for kind in ("list", "tuple", "set", "array", "series")},
    "block_private": BOOLS,
    "strict_json": BOOLS,
    "follow": set(),
    "max_body": COUNTS | {"digit", "np.uint64 max"},
    "proxy": set(),
    "ssl": BOOLS,
    "session": set(),
    "attempts": COUNTS,
    "when": FUNCTIONS | PATHS,
    "budget": POSITIVE | {"zero", "0.0"},
    "Rate count": POSITIVE,
    "per": SECONDS,
    "burst": COUNTS,
    "margin": {"zero", "0.0", "5e-324", "Fraction(1, 3)"},
    "cost": POSITIVE,
    "every": SECONDS | LISTS | {"zero", "0.0"},
    "patience": SECONDS,
    "body": BOOLS,
    "start": COUNTS | {"zero"},
    "size": {"pair with a number"},
    "operation": set(),
    **dict.fromkeys(("base", "throttle_base", "cap", "max_wait", "patience"), SECONDS | {"zero", "0.0"}),
}
"""By option, the odd values that it takes besides None; an option that is not here takes values of many kinds."""


class Api:
    """The sample API, and the ways to pass a value to it."""

    def __init__(self, url):
        self.url = url
        self.client = paio.Client(url, retry=1)

    def fetch(self, url=URL, **options):
        return FRAME.aio.fetch(url, **{"client": self.client, "progress": False, **options})

    def plan(self, url=URL, **options):
        return FRAME.aio.plan(url, **{"client": self.client, **options})

    def fetch_urls(self, **options):
        return pd.Series([f"{self.url}/users/1"]).aio.fetch(**{"progress": False, **options})

    def read(self, url="/users/1", **options):
        return paio.read_api(url, **{"client": self.client, "progress": False, **options})

    def fetch_with_client(self, **options):
        client = paio.Client(**{"base_url": self.url, **options})
        return FRAME.aio.fetch(f"{self.url}{URL}", client=client, progress=False)


def option_places():
    """Yield the options of a call: (id, option, function of the API and the value)."""
    for option in (each.name for each in fields(FetchOptions)):
        url = "/users{?id*}" if option in {"batch", "on"} else URL
        more = NEEDS.get(option, {})
        yield f"fetch {option}", option, lambda api, value, n=option, u=url, m=more: api.fetch(u, **{**m, n: value})
        yield f"plan {option}", option, lambda api, value, n=option, u=url, m=more: api.plan(u, **{**m, n: value})
        yield f"urls {option}", option, lambda api, value, n=option, m=more: api.fetch_urls(**{**m, n: value})
    for option in (each.name for each in fields(ReadOptions)):
        more = NEEDS.get(option, {})
        yield f"read {option}", option, lambda api, value, n=option, m=more: api.read(**{**m, n: value})
    yield "read over value", "over", lambda api, value: api.read(URL, over={"id": value})
    yield "read over name", "over", lambda api, value: api.read(over={value: [1]})
    yield "read over item", "", lambda api, value: api.read(URL, over={"id": [value]})


def nested_places():
    """Yield the values inside an option of a call or a client."""
    for option, makers in NESTED.items():
        more = {"method": "POST"} if option in {"json", "data"} else {"record_path": "a"} if option == "meta" else {}
        for at, make in enumerate(makers):
            call = lambda api, value, n=option, f=make, m=more: api.fetch(**{n: f(value), **m})  # noqa: E731
            yield f"fetch {option} {at}", option, call
            if option in {"headers", "params", "auth", "rate"}:
                call = lambda api, value, n=option, f=make: api.fetch_with_client(**{n: f(value)})  # noqa: E731
                yield f"Client {option} {at}", option, call
    hosts = lambda api, value: api.fetch_with_client(allow_hosts=[value])  # noqa: E731
    yield "Client allow_hosts 0", "allow_hosts", hosts


def object_places():
    """Yield the options of the objects that are passed to a call."""
    for option in inspect.signature(paio.Client).parameters:
        yield f"Client {option}", option, lambda api, value, n=option: api.fetch_with_client(**{n: value})
    for name, target, required in (
        ("Retry", "retry", {}),
        ("Rate", "rate", {"count": 1000}),
        ("Poll", "poll", {}),
        ("NextUrl", "pages", {}),
        ("Cursor", "pages", {"path": "next"}),
        ("PageNumber", "pages", {}),
        ("Offset", "pages", {}),
        ("GraphQLCursor", "pages", {"path": "a"}),
    ):
        for each in fields(getattr(paio, name)):
            if each.init:
                make = lambda value, c=name, n=each.name, r=required: _make(c, {**r, n: value})  # noqa: E731
                yield f"{name} {each.name}", each.name, lambda api, value, f=make, t=target: _use(api, t, f(value))
    for name, target, option in (
        ("Retry", "retry", "statuses"),
        ("Retry", "retry", "methods"),
        ("Poll", "poll", "every"),
        ("Poll", "poll", "done"),
    ):
        make = lambda value, c=name, n=option: _make(c, {n: [value]})  # noqa: E731
        yield f"{name} {option} item", option, lambda api, value, f=make, t=target: _use(api, t, f(value))
    yield "Bearer token", "token", lambda api, value: api.fetch(auth=paio.Bearer(value))
    yield "Basic user", "user", lambda api, value: api.fetch(auth=paio.Basic(value, "p"))
    yield "Basic password", "password", lambda api, value: api.fetch(auth=paio.Basic("u", value))
    yield "ApiKey key", "key", lambda api, value: api.fetch(auth=paio.ApiKey(value))
    yield "ApiKey header", "header", lambda api, value: api.fetch(auth=paio.ApiKey("k", header=value))
    yield "ApiKey param", "param", lambda api, value: api.fetch(auth=paio.ApiKey("k", param=value))
    yield "graphql query", "query", lambda api, value: api.plan(json=paio.graphql(value))
    yield "graphql variables", "variables", lambda api, value: api.plan(json=paio.graphql(QUERY, value))
    yield "graphql variable", "variables", lambda api, value: api.plan(json=paio.graphql(QUERY, {"a": value}))
    yield "graphql name", "variables", lambda api, value: api.plan(json=paio.graphql(QUERY, {value: 1}))
    yield "graphql operation", "operation", lambda api, value: api.plan(json=paio.graphql(QUERY, operation=value))


def _make(name, options):
    """Make an object of its options; a cursor has its token in one place."""
    if name == "Cursor" and options.get("header", options.get("after")) is not None:
        del options["path"]
    return getattr(paio, name)(**options)


def _use(api, option, made):
    if option == "poll":
        return api.plan(poll=made)
    posted = {"method": "POST", "json": {}} if option == "pages" else {}
    return api.fetch(**{option: made}, **posted, **({"max_pages": 2} if option == "pages" else {}))


PLACES = {name: (option, call) for name, option, call in [*option_places(), *nested_places(), *object_places()]}
SAMPLE = [
    *list(NUMBERS)[::4],
    "empty",
    "lone surrogate",
    "bytes",
    "recursive list",
    "deep list",
    "recursive dict",
    "raising key",
]
SAMPLE += ["array", "None", "pd.NA", "np.timedelta64 NaT"]
SAMPLE += ["coroutine function", "async callable", "raising everything", "Client class"]
FAST_PLACES = [name for name in PLACES if name.split()[0] not in {"fetch", "urls", "read"}]


@pytest.fixture(scope="module")
def odd_api():
    """Serve the sample API."""
    with paio.demo.serve() as url:
        yield url, Api(url)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    """A text is a path for some options: a file that is made for it stays there."""
    monkeypatch.chdir(tmp_path)


def try_values(served, place, names):
    """Pass values to a place; return those that it takes."""
    (log, api), (option, call) = served, PLACES[place]
    taken = set()
    for name in names:
        value = ODD_VALUES[name]()
        if not _fits(place, value):
            continue
        log.clear()
        error = _find_error(call, api, value)
        if error is None:
            taken.add(name)
            continue
        assert isinstance(error, paio.PlanError), (place, name, repr(error)[:300])
        text = str(error)
        assert option.removesuffix("s") in text or _names_the_field(error), (place, name, text[:300])
        assert not log.log, (place, name, text[:300])
        text.encode()
    return taken


def _find_error(call, api, value):
    """Return the exception of a call, None if it ended: also with failed rows, when the API has refused the value."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of rows that fail
            call(api, value)
    except paio.FetchError:
        return None
    except Exception as error:  # noqa: BLE001 - which one is the question
        return error
    return None


def _names_the_field(error):
    """Whether the error is about a field in the value, or about the rows, whose message has the field."""
    text = str(error)
    return isinstance(error, paio.UnknownFieldError) or "field {" in text or "credentials and whole URLs" in text


def _fits(place, value):
    """Whether a value can be tried: only what has a hash can be a key."""
    if place not in HASHED:
        return True
    try:
        hash(value)
    except Exception:  # noqa: BLE001 - an odd value's own
        return False
    return True


HASHED = {"fetch params 1", "fetch headers 1", "fetch json 1", "fetch data 1", "fetch columns 2", "fetch schema 1"}
HASHED |= {"fetch read_options 0", "read over name", "Client params 1", "Client headers 1", "graphql name"}


def assert_no_silent_value(place, taken):
    """Assert that an option takes what it says, and nothing else."""
    option = PLACES[place][0]
    accepted = ACCEPTED.get(place, ACCEPTED.get(option))
    if accepted is not None and place.split()[-1] == option:
        assert taken <= {*accepted, "None"}, place


@pytest.mark.parametrize("place", FAST_PLACES)
def test_an_odd_value_raises_our_error_or_is_taken(odd_api, place):
    """A sample of the values, for the options that can be tried without a request."""
    assert_no_silent_value(place, try_values(odd_api, place, SAMPLE))


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_every_odd_value_raises_our_error_before_the_first_request_or_is_taken(odd_api, place):
    """All values, for all options."""
    assert_no_silent_value(place, try_values(odd_api, place, ODD_VALUES))
