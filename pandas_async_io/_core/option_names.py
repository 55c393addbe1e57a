"""Arguments and attributes under names that do not exist: the message says which name was meant."""

from __future__ import annotations

import inspect
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from pandas_async_io._core.words import show_value

if TYPE_CHECKING:
    from collections.abc import Collection

T = TypeVar("T")

_TEMPLATE_NAMES = frozenset({"url_template", "url", "template", "path"})
_SERIES_ADVICE = (
    "the Series holds the URLs, so none is passed; a template belongs to df.aio.{0}('https://api.example.com/{{id}}')"
)
"""What to say about a URL that is given to a method of ``s.aio``."""

_OTHER_NAMES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("max_workers", "workers", "n_jobs", "threads", "max_concurrency", "concurrent"),
        ("concurrency", "concurrency=32: requests in flight"),
    ),
    **dict.fromkeys(("body", "payload"), ("json", "json={…}, or data= for text and forms")),
    **dict.fromkeys(("dtype", "dtypes"), ("schema", "schema={'id': 'int64'}")),
    **dict.fromkeys(
        ("retries", "max_retries", "max_attempts"), ("retry", "retry=4 counts attempts, the first included")
    ),
    **dict.fromkeys(
        ("token", "api_key", "bearer", "credentials"), ("auth", "auth='…' is a bearer token, auth=ApiKey('…') a key")
    ),
    **dict.fromkeys(("qps", "rps", "rate_limit", "ratelimit"), ("rate", "rate='20/s'")),
    **dict.fromkeys(("cache", "cache_name"), ("store", "store='calls.sqlite'")),
    **dict.fromkeys(("query", "querystring"), ("params", "params={'page': 1}")),
    **dict.fromkeys(_TEMPLATE_NAMES, ("url_template", "the first argument, without a name")),
    **dict.fromkeys(("record_prefix", "rprefix"), ("prefix", "prefix='api_'")),
    **dict.fromkeys(("suffixes", "rsuffix"), ("suffix", "suffix='_api'")),
    **dict.fromkeys(("usecols", "fields"), ("columns", "columns=['id', 'name']")),
    **dict.fromkeys(("total_timeout", "request_timeout"), ("timeout", "timeout=30: seconds of one attempt")),
    **dict.fromkeys(("base", "baseurl", "host", "root_url"), ("base_url", "'https://api.example.com'")),
    **dict.fromkeys(("raise_for_status", "raise_on_error"), ("errors", "errors='raise'")),
    **dict.fromkeys(("attempt", "tries", "total"), ("attempts", "attempts=4, the first included")),
    **dict.fromkeys(("backoff", "backoff_factor"), ("base", "base=0.1: seconds of the longest first delay")),
    **dict.fromkeys(("status_forcelist", "status_codes", "codes"), ("statuses", "statuses={429, 503}")),
    **dict.fromkeys(("max_backoff", "backoff_max", "max_delay"), ("cap", "cap=20: seconds of the longest delay")),
    **dict.fromkeys(("allowed_methods", "method_whitelist"), ("methods", "methods={'GET', 'POST'}")),
    **dict.fromkeys(("verify", "verify_ssl", "ssl_verify"), ("ssl", "ssl='ca.pem'")),
    **dict.fromkeys(("cert",), ("ssl", "ssl=… takes an ssl.SSLContext with the certificate")),
    **dict.fromkeys(("proxies", "trust_env"), ("proxy", "proxy='http://proxy:3128'")),
    **dict.fromkeys(("allow_redirects", "follow_redirects"), ("follow", "follow='any'")),
    **dict.fromkeys(("cookies", "cookie_jar"), ("headers", "headers={'Cookie': 'name=value'}")),
}
"""What other libraries call an option: its name here, and how it is written."""

_OF_CLIENT = frozenset(
    {"ssl", "proxy", "follow", "base_url", "session", "max_body", "allow_hosts", "block_private", "strict_json"}
)
_CLIENT_ONLY = {
    "cookies": "cookies belong to the client: client=Client(headers={'Cookie': 'name=value'}), or your own session=",
    "cookie_jar": "cookies belong to the client: client=Client(session=…) with your own aiohttp or httpx session",
    "http2": "every request is HTTP/1.1: Client(…) has no http2= yet",
}
_PUBLIC_NAMES = {"api_key": "ApiKey", "basic": "Basic", "bearer": "Bearer"}
"""Functions that are public under the name of a class."""

_OF_THE_API = {"limit", "page_size", "per_page", "pagesize", "page", "offset", "cursor"}


def describe_unknown_option(function: str, name: str, accepted: Collection[str]) -> str:
    """Return what to say about an option that a function does not have.

    Examples
    --------
    >>> describe_unknown_option("fetch", "concurency", ["concurrency", "rate"])
    "fetch() got an unexpected option 'concurency'; nearest: 'concurrency'"
    >>> describe_unknown_option("fetch", "max_workers", ["concurrency", "max_requests"])
    "fetch() got an unexpected option 'max_workers'; nearest: 'concurrency', as concurrency=32: requests in flight"
    >>> describe_unknown_option("fetch", "verify", ["client"])
    "fetch() got an unexpected option 'verify'; it belongs to the client: client=Client(ssl='ca.pem')"
    """
    return f"{function}() got an unexpected option {name!r}; {_find_hint(name, accepted)}"


def _find_hint(name: str, accepted: Collection[str]) -> str:
    folded = name.casefold()
    takes_client = "client" in accepted
    meant, example = _OTHER_NAMES.get(folded, (folded, f"{folded}=…"))
    if folded in _CLIENT_ONLY and (takes_client or folded == "http2"):
        return _CLIENT_ONLY[folded]
    if folded in _OF_THE_API and "params" in accepted:
        pages = ", or pages='auto' and max_pages= for all pages" if "pages" in accepted else ""
        return f"a parameter of the API is params={{{name!r}: …}}{pages}"
    if meant in accepted:
        return f"nearest: {meant!r}" + (f", as {example}" if folded in _OTHER_NAMES else "")
    if meant in _OF_CLIENT and takes_client:
        return f"it belongs to the client: client=Client({example})"
    return find_nearest_option(name, accepted)


def find_nearest_option(name: str, accepted: Collection[str]) -> str:
    """Return the nearest name, or all names.

    Examples
    --------
    >>> find_nearest_option("hedaers", ["headers"]), find_nearest_option("x", ["headers", "rate"])
    ("nearest: 'headers'", 'its options: headers, rate')
    """
    nearest = _find_nearest(name, accepted)
    return f"nearest: {nearest!r}" if nearest else f"its options: {', '.join(accepted)}"


def _find_nearest(name: str, names: Collection[str]) -> str | None:
    from difflib import get_close_matches  # noqa: PLC0415 - keeps the import of this package fast

    return next(iter(get_close_matches(name.casefold(), names, n=1)), None)


def describe_unknown_attribute(owner: str, name: str, names: Collection[str]) -> str:
    """Return what to say about an attribute that an accessor does not have.

    Examples
    --------
    >>> describe_unknown_attribute("df.aio", "fetchh", ["fetch", "plan"])
    "df.aio has no attribute 'fetchh'; nearest: 'fetch'"
    >>> describe_unknown_attribute("s.aio", "outcomes", ["fetch", "plan"])
    "s.aio has no attribute 'outcomes'; it has fetch, plan"
    """
    nearest = _find_nearest(name, names)
    hint = f"nearest: {nearest!r}" if nearest else f"it has {', '.join(names)}"
    return f"{owner} has no attribute {name!r}; {hint}"


def describe_extra_argument(function: str, value: object, accepted: Collection[str]) -> str:
    """Return what to say about an argument without a name, where options have names.

    Examples
    --------
    >>> describe_extra_argument("fetch", ["name"], ["params", "columns"])
    "fetch() takes its options by name: write columns=['name']"
    >>> describe_extra_argument("Retry", 5, ["attempts", "base"])
    'Retry() takes its options by name: write attempts=5'
    """
    if "columns" in accepted:
        option = "columns" if isinstance(value, list) else "params" if isinstance(value, dict) else "name"
    else:
        option = next(iter(accepted), "name")
    return f"{function}() takes its options by name: write {option}={show_value(value)}"


def check_names(function: str, signature: inspect.Signature, args: tuple[Any, ...], given: dict[str, Any]) -> None:
    """Check that a call of a function with options can be bound.

    Parameters
    ----------
    function : str
        Its name.
    signature : Signature
        Without self.

    Raises
    ------
    TypeError
        A name is unknown, an argument has no name or is missing.
    """
    parameters = signature.parameters
    positional = [name for name, each in parameters.items() if each.kind is not each.KEYWORD_ONLY]
    unknown = next((name for name in given if name not in parameters), None)
    extra = args[len(positional) :]
    if positional == ["self"] and (unknown in _TEMPLATE_NAMES or (extra and isinstance(extra[0], str))):
        raise TypeError(f"{function}(): {_SERIES_ADVICE.format(function)}")
    if unknown is not None:
        raise TypeError(describe_unknown_option(function, unknown, [name for name in parameters if name != "self"]))
    if extra:
        raise TypeError(describe_extra_argument(function, extra[0], list(parameters)[len(positional) :]))
    empty = inspect.Parameter.empty
    filled = [*positional[: len(args)], *given]
    missing = [name for name, each in parameters.items() if each.default is empty and name not in filled]
    if missing:
        raise TypeError(f"{function}() needs {missing[0]}: see help({function})")
    signature.bind(*args, **given)


def explains_names(target: T) -> T:
    """Decorate a function, or a class and its constructor: a wrong keyword argument names the right one."""
    if inspect.isclass(target):
        vars_of: Any = target
        vars_of.__init__ = _wrap(vars_of.__init__, target.__name__, first=1)
        return target
    wrapped: T = _wrap(target, "", first=0)
    return wrapped


def _wrap(function: Any, name: str, *, first: int) -> Any:
    own = inspect.signature(function)
    signature = own.replace(parameters=list(own.parameters.values())[first:])

    @wraps(function)
    def checked(*args: Any, **given: Any) -> Any:
        try:
            signature.bind(*args[first:], **given)
        except TypeError:
            check_names(name or _PUBLIC_NAMES.get(checked.__name__, checked.__name__), signature, args[first:], given)
            raise
        return function(*args, **given)

    return checked
