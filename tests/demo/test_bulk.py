"""The endpoints for many keys in one request, and for jobs."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import pandas_async_io as paio
from pandas_async_io.demo import data
from tests.demo.client import send


def post(base_url, target, payload):
    return send(base_url, target, "POST", json.dumps(payload).encode())


def test_a_batch_returns_known_records_in_descending_order(sample_api):
    """GET and POST return each record once; a key that is 0 or text has none."""
    records = [data.record(2), data.record(1)]
    assert send(sample_api, "/batch?ids=1,2,0,x,1").json == records
    assert send(sample_api, "/batch?ids=1&ids=2&most=2").json == records
    assert post(sample_api, "/batch", {"ids": [1, "2", 0]}).json == records


@pytest.mark.parametrize(("target", "status"), [("?ids=1,2,3&most=2", 413), ("?ids=1,77&poison=77", 400)])
def test_a_batch_is_refused_as_a_whole(sample_api, target, status):
    """Above its limit, or because of one bad key."""
    assert send(sample_api, f"/batch{target}").status == status


@pytest.mark.parametrize(
    ("ids", "options"),
    [("", {"method": "POST", "json": {"ids": "{id*}"}}), ("&ids={id*}", {})],
    ids=["in the body", "in the query"],
)
def test_fetch_isolates_the_bad_key_of_a_batch(sample_api, ids, options):
    """A hundred rows in two blocks, one key unknown, one that spoils its request: two more requests per halving."""
    rows = pd.DataFrame({"id": [*range(99), 77]})
    with pytest.warns(paio.FetchWarning, match="77 is no key"):
        out = rows.aio.fetch(f"{sample_api}/batch?poison=77{ids}", batch=50, client=paio.Client(), **options)
    found = out.loc[out["name"].notna(), "id"].tolist()
    assert found == [number for number in range(1, 99) if number != 77]
    assert len(sample_api.log) <= 2 + 12


def test_a_job_is_submitted_polled_and_downloaded(sample_api):
    """Each job has its own number of polls and its own result; Location is the URL to poll."""
    submitted = post(sample_api, "/jobs", {"key": "a", "polls": 1})
    assert (submitted.status, submitted.json["state"]) == (202, "queued")
    job = submitted.headers["Location"]
    assert send(sample_api, f"{job}/result").status == 409
    assert [send(sample_api, job).json["state"] for _ in range(3)] == ["running", "finished", "finished"]
    assert send(sample_api, send(sample_api, job).json["links"]["result"]).json["key"] == "a"


def test_a_job_with_fail_ends_in_an_error(sample_api):
    """Its state is error, with a message."""
    job = post(sample_api, "/jobs", {"fail": True, "polls": 0}).headers["Location"]
    failed = send(sample_api, job).json
    assert (failed["state"], failed["error"]["message"]) == ("error", "it broke")


def test_an_unknown_job_is_a_404(sample_api):
    """So is its result."""
    assert send(sample_api, "/jobs/none").status == send(sample_api, "/jobs/none/result").status == 404
