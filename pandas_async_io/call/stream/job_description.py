"""What makes two calls the same job: they may write to one folder. Without secrets.

Invariant: parts of two calls that could differ in a row, whoever sends them, are never in one folder.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import fields
from types import CodeType
from typing import TYPE_CHECKING, Any

import pandas as pd

from pandas_async_io._core.storage.manifest import CREDENTIALS
from pandas_async_io.call.changed_options import READING_OPTIONS
from pandas_async_io.call.prepare.store import make_fingerprinter
from pandas_async_io.call.prepare.stored_keys import expand_keys
from pandas_async_io.options import FetchOptions

if TYPE_CHECKING:
    from pandas_async_io.call.prepare.prepared_call import PreparedCall
    from pandas_async_io.options import ReadOptions

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")

_HASH_ROUNDS = 100_000

_RECORD_OPTIONS = (
    *(name for name in READING_OPTIONS if name != "schema"),
    "empty_when",
    "batch",
    "on",
    "poll",
    "how",
    "prefix",
    "suffix",
    "join",
)


def describe_job(call: PreparedCall) -> dict[str, Any]:
    """Return the template, paging, schema and other options of a call, and hashes of its requests and columns."""
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
        "input columns": _hash_columns(call),
        **_hash_requests(call),
    }
    loaded: dict[str, Any] = json.loads(json.dumps(job))
    return loaded


def has_written_index(call: PreparedCall) -> bool:
    """Whether the output has the frame's index, and that is more than a count of rows."""
    index = call.frame.index
    is_count = isinstance(index, pd.RangeIndex) and index.name is None and (index.start, index.step) == (0, 1)
    return isinstance(call.options, FetchOptions) and call.options.join and not is_count


def _is_given(options: FetchOptions | ReadOptions, name: str) -> bool:
    """Whether an option is not the default, which a later version of this package may have and this one not."""
    default = next((field.default for field in fields(options) if field.name == name), None)
    return bool(getattr(options, name) is not default and getattr(options, name) != default)


def _show(value: Any) -> str:
    """Return a text that is the same in each process."""
    if isinstance(value, str):
        return value
    code, name = getattr(value, "__code__", None), getattr(value, "__qualname__", None)
    if code is not None:
        return f"{name} (code {hashlib.sha256(_describe_code(code).encode()).hexdigest()[:8]})"
    return name or _ADDRESS.sub("", str(value))


def _describe_code(code: CodeType) -> str:
    """Return what a function does, without where it is written."""
    constants = [_describe_code(each) if isinstance(each, CodeType) else repr(each) for each in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {constants}"


def _hash_requests(call: PreparedCall) -> dict[str, str]:
    """Return a hash of which row sends which request, and one of whose requests they are."""
    # with batch= of keys: how they are blocked depends on what a store has
    sent = call.requests.sent if call.requests.batches is None else expand_keys(call)
    make_key = make_fingerprinter(call, [b""])
    requests, credentials = hashlib.sha256(), hashlib.sha256()
    for origin in sent.origins:
        for _, request in sent.requests(origin, call.headers_for(origin)):
            key = make_key(request)
            requests.update(key.fingerprint)
            credentials.update(key.identities[0])
    requests.update(call.requests.rows.row_to_request.tobytes())
    # slow, so that a password cannot be found by trying many
    slow = hashlib.pbkdf2_hmac("sha256", credentials.digest(), requests.digest(), _HASH_ROUNDS)
    return {"rows (or over=, headers=)": requests.hexdigest()[:16], CREDENTIALS: slow.hex()[:8]}


def _hash_columns(call: PreparedCall) -> str | None:
    """Return a hash of the input columns that each part repeats; None if parts hold the answers alone."""
    if not (isinstance(call.options, FetchOptions) and call.options.join):
        return None
    digest = hashlib.sha256()
    columns: list[tuple[Any, Any]] = [*call.frame.items()]
    if has_written_index(call):
        columns.append(("index", call.frame.index))
    for name, values in columns:
        digest.update(repr(name).encode())
        try:
            digest.update(pd.util.hash_pandas_object(values, index=False).to_numpy().tobytes())
        except TypeError:  # cells that are lists or dicts
            digest.update("\n".join(map(_show, map(repr, values))).encode())
    return digest.hexdigest()[:16]
