"""The endpoints for many keys in one request, and for jobs, read with the package's own workflows."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from pandas_async_io._core.errors import PayloadError
from pandas_async_io._core.models import Request
from pandas_async_io._core.table.shape import Shape
from pandas_async_io._core.workflow.batching.batches import Batches
from pandas_async_io._core.workflow.batching.halving import Halving, split_block
from pandas_async_io._core.workflow.batching.matching import match_records
from pandas_async_io._core.workflow.jobs.poll import Poll
from pandas_async_io.demo import data
from tests.demo.client import send


@pytest.mark.parametrize("posted", [False, True])
def test_a_batch_is_matched_by_key_and_a_bad_key_is_isolated(sample_api, posted):
    """A hundred keys in two blocks, one unknown, one that spoils its request: halving finds it."""
    batches = Batches.of(pd.DataFrame({"id": [*range(99), 77]}), "id", 50)
    halving, blocks, found, bad = Halving(batches.blocks), list(batches.blocks), {}, []
    while blocks:
        block = blocks.pop(0)
        keys = batches.texts(block)
        url = f"{sample_api}/batch?poison=77"
        body = json.dumps({"ids": keys}).encode() if posted else None
        page = send(Request(url, "POST", body=body) if posted else Request(f"{url}&ids={','.join(keys)}"))
        if page.response.status == 200:
            due = halving.accepted(block)
            found.update(zip(keys, match_records(keys, page.payload, "id", Shape()).found, strict=True))
        else:
            due = halving.refused(block, page.response.status)
            bad += keys if len(keys) == 1 else []
        blocks += [half for each in due for half in split_block(each)]
    assert bad == ["77"]
    assert found.pop("0") is None
    assert found == {str(n): [{"name": f"record {n}", "group": n % 10}] for n in range(1, 99) if n != 77}
    assert len(sample_api.log) <= 2 + 12


def test_a_batch_above_its_limit_is_a_413(sample_api):
    """`most=` sets the limit."""
    assert send(Request(f"{sample_api}/batch?ids=1,2,3&most=2")).response.status == 413
    assert send(Request(f"{sample_api}/batch?ids=1&ids=2&most=2")).payload == [data.record(2), data.record(1)]


def follow_job(sample_api, job, poll):
    submit = Request(f"{sample_api}/jobs", "POST", body=json.dumps(job).encode())
    page = send(submit)
    assert page.response.status == 202
    asks, turn = poll.submitted(page, epoch=0.0), 0
    while asks is not None:
        page, turn = send(asks.request), turn + 1
        if asks.last:
            break
        asks = poll.answered(page, turn=turn, epoch=0.0)
    return page.payload, turn


def test_a_job_is_submitted_polled_and_downloaded(sample_api):
    """Each job has its own number of polls and its own result."""
    poll = Poll("state", url="links.self", every=0, result="links.result")
    payload, turns = follow_job(sample_api, {"key": "a", "polls": 3}, poll)
    assert (payload["key"], turns) == ("a", 5)
    payload, turns = follow_job(sample_api, {"key": "b", "polls": 0}, Poll("state", every=0))
    assert (payload["state"], turns) == ("finished", 1)
    with pytest.raises(PayloadError, match="it broke"):
        follow_job(sample_api, {"fail": True}, poll)


def test_an_unfinished_result_is_a_409_and_an_unknown_job_a_404(sample_api):
    """Both have a JSON error."""
    number = send(Request(f"{sample_api}/jobs", "POST", body=b"{}")).payload["id"]
    assert send(Request(f"{sample_api}/jobs/{number}/result")).response.status == 409
    assert send(Request(f"{sample_api}/jobs/none")).response.status == 404
