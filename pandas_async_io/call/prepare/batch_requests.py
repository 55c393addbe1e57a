"""The requests of a call with ``batch=``: blocks of distinct keys, and which row needs which key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pandas_async_io._core.request.cell_values.missing_values import describe_missing
from pandas_async_io._core.request.rows.expand import expand
from pandas_async_io._core.workflow.batching.batches import Batches
from pandas_async_io._core.workflow.batching.key_field import (
    KeyField,
    find_key_field,
)
from pandas_async_io.call.prepare.prepared_call import CallRequests
from pandas_async_io.call.prepare.request_body import get_request_body

if TYPE_CHECKING:
    import pandas as pd

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.request.request_template import RequestTemplate
    from pandas_async_io.client import Client
    from pandas_async_io.options import FetchOptions, ReadOptions


def expand_batches(
    frame: pd.DataFrame, template: RequestTemplate, options: FetchOptions | ReadOptions, size: int, client: Client
) -> CallRequests:
    """Put many keys into each request; each row needs one key."""
    name = find_key_field(sorted(template.url_template.exploded_fields), get_request_body(options))
    field = KeyField(
        name,
        other_fields=[
            other for other in dict.fromkeys([*template.text_fields, *template.json_fields]) if other != name
        ],
        json_fields=template.json_fields,
        in_body=name not in template.url_and_header_fields,
        in_path=name in template.url_template.path_fields,
    )
    batches = Batches.build(frame, field, size)
    sent = expand(batches.build_rows(batches.blocks), template, allow_hosts=client.allow_hosts)
    keys = sum(map(len, batches.blocks))
    urls, fine, unsafe = [""] * keys, np.zeros(keys + 1, dtype=bool), dict(batches.unsafe_rows)
    missing = np.empty(keys + 1, dtype=object)
    missing[-1] = describe_missing([repr(name)])
    blocks: list[Positions] = [np.empty(0, np.int64)] * len(sent)
    for at, (block, request) in enumerate(zip(batches.blocks, sent.row_to_request.tolist(), strict=True)):
        if request >= 0:
            blocks[request] = np.concatenate([blocks[request], block])  # two may be written alike
            fine[block] = True
            for key in block.tolist():
                urls[key] = sent.urls[request]
        elif at in sent.unsafe:
            rows = np.flatnonzero(np.isin(batches.row_to_key, block))
            unsafe.update(dict.fromkeys(rows.tolist(), sent.unsafe[at]))
        elif sent.missing is not None:
            missing[block] = sent.missing[at]
    row_to_key = np.where(fine[batches.row_to_key], batches.row_to_key, -1)
    row_missing = missing[batches.row_to_key]
    row_missing[list(unsafe)] = None
    rows_need = replace(
        sent, urls=urls, row_to_request=row_to_key, unsafe=unsafe, origins={}, builder=None, missing=row_missing
    )
    return CallRequests(sent, rows_need, template, replace(batches, blocks=blocks), client.allow_hosts)
