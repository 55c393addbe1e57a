"""What makes two calls the same job: they may write to one folder. Without secrets."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.models import NO_HEADERS
from pandas_async_io._core.security.secrets import redact_urls

if TYPE_CHECKING:
    from pandas_async_io.call.prepare.prepared_call import PreparedCall
    from pandas_async_io.options import FetchOptions, ReadOptions

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")

_RECORD_OPTIONS = (
    "format",
    "encoding",
    "read_options",
    "parser",
    "empty_when",
    "error_when",
    "record_path",
    "orient",
    "names",
    "meta",
    "sep",
    "max_level",
    "columns",
    "explode",
    "batch",
    "on",
    "dtype_backend",
    "how",
    "prefix",
    "suffix",
    "join",
)


def describe_job(call: PreparedCall) -> dict[str, Any]:
    """Return the template, paging, schema and other options of a call, and a hash of its requests."""
    options = call.options
    paging = options.paging
    schema = None if options.schema is None else {name: _show(spec) for name, spec in options.schema.items()}
    records = {name: _show(getattr(options, name)) for name in _RECORD_OPTIONS if _is_given(options, name)}
    job = {
        "template": call.source.label,
        "paging": None if paging is None else _show(paging),
        "max_pages": options.max_pages,
        "schema": schema,
        **records,
        "rows (or over=)": _hash_requests(call),
    }
    loaded: dict[str, Any] = json.loads(json.dumps(job))
    return loaded


def _is_given(options: FetchOptions | ReadOptions, name: str) -> bool:
    """Whether an option is not the default, which a later version of this package may have and this one not."""
    default = next((field.default for field in fields(options) if field.name == name), None)
    return bool(getattr(options, name) is not default and getattr(options, name) != default)


def _show(value: Any) -> str:
    """Return a text that is the same in each process."""
    if isinstance(value, str):
        return value
    return getattr(value, "__qualname__", None) or _ADDRESS.sub("", str(value))


def _hash_requests(call: PreparedCall) -> str:
    """Return a hash of which row sends which request; the credentials in URLs are not in it."""
    sent = call.requests.sent
    digest = hashlib.sha256()
    for url in redact_urls(sent.urls):
        digest.update(url.encode() + b"\n")
    if sent.builder is not None:
        for position in range(len(sent)):
            request = sent.request(position, NO_HEADERS)
            digest.update((request.body or b"") + b"\n")
    digest.update(sent.method.encode() + call.requests.rows.row_to_request.tobytes())
    return digest.hexdigest()[:16]
