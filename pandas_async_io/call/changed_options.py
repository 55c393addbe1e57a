"""Which options `retry_failed` may change, and the options with the changes."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.option_names import describe_unknown_option
from pandas_async_io._core.request.credentials import as_auth

if TYPE_CHECKING:
    from collections.abc import Collection

    from pandas_async_io.options import FetchOptions, ReadOptions

_CHANGEABLE_OPTIONS = (
    "headers",
    "client",
    "auth",
    "concurrency",
    "rate",
    "retry",
    "timeout",
    "deadline",
    "max_requests",
    "errors",
    "progress",
    "hooks",
    "empty_when",
)
"""The options that may change: how rows are sent, not how their responses are read, but for those without records."""

READING_OPTIONS = (
    "format",
    "encoding",
    "read_options",
    "parser",
    "error_when",
    "record_path",
    "orient",
    "names",
    "meta",
    "sep",
    "max_level",
    "columns",
    "explode",
    "schema",
    "dtype_backend",
)
"""The options that may change where a store has the responses: all rows are read anew."""


def check_changes(changes: Collection[str], options: FetchOptions | ReadOptions) -> None:
    """Refuse changes of options that do not say how rows are sent.

    Raises
    ------
    TypeError
        An option cannot change, or does not exist.
    """
    unknown = next((name for name in changes if name not in _CHANGEABLE_OPTIONS), None)
    if unknown is not None:
        raise TypeError(_describe_unknown_change(unknown, options))


def _describe_unknown_change(name: str, options: FetchOptions | ReadOptions) -> str:
    """Return what to say about a change that is none of how rows are sent, or no option at all."""
    if name in {field.name for field in fields(options)}:
        return f"retry_failed() can't change {name!r}, only how rows are sent: {', '.join(_CHANGEABLE_OPTIONS)}"
    return describe_unknown_option("retry_failed", name, _CHANGEABLE_OPTIONS)


def change_options(options: FetchOptions | ReadOptions, changes: dict[str, Any]) -> FetchOptions | ReadOptions:
    """Return the options with changes; a new credential replaces the one that the call itself gave.

    Within one call, its headers and parameters override ``auth``; here those are the old ones.

    Examples
    --------
    >>> from pandas_async_io.options import FetchOptions
    >>> options = FetchOptions(headers={"authorization": "Bearer old", "Accept": "*/*"})
    >>> change_options(options, {"auth": "new"}).headers
    {'Accept': '*/*'}
    """
    auth = changes.get("auth")
    if auth is not None:
        sent = as_auth(auth)
        names = {name.lower() for name in sent.headers}
        headers = {name: value for name, value in (options.headers or {}).items() if name.lower() not in names}
        params = {name: value for name, value in (options.params or {}).items() if name not in sent.params}
        options = replace(options, headers=headers or None, params=params or None)
    return replace(options, **changes)
