"""Bodies in an odd charset, and files that are compressed by themselves, through the public functions."""

from __future__ import annotations

import gzip

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import http_response, serve_script

FRAME = pd.DataFrame({"id": [1, 2]})
CP1252 = "name,price\ncafé,10 €\n".encode("cp1252")
ROWS = {"name": ["café"] * 2, "price": ["10 €"] * 2}


@pytest.mark.parametrize("content_type", ["text/csv", "text/csv; charset=utf-8", "text/csv; charset=foo"])
def test_encoding_gives_the_charset_of_every_body(content_type):
    """In a fetch, a read and a plan; without it the error names it."""
    with serve_script(http_response(CP1252, f"Content-Type: {content_type}")) as server:
        url = server.url + "/{id}"
        out = FRAME.aio.fetch(url, encoding="cp1252", client=paio.Client())
        read = pd.read_api(url, over={"id": [1, 2]}, encoding="cp1252", client=paio.Client())
        parsed = FRAME.aio.fetch(url, encoding="cp1252", parser=lambda r: {"text": r.text}, client=paio.Client())
        with pytest.warns(paio.FetchWarning, match="encoding= names another charset"):
            FRAME.aio.fetch(url, client=paio.Client())
        assert "2 requests" in repr(FRAME.aio.plan(url, encoding="cp1252", client=paio.Client()))
    assert out[["name", "price"]].to_dict("list") == ROWS
    assert read[["name", "price"]].to_dict("list") == ROWS
    assert parsed["text"].tolist() == [CP1252.decode("cp1252")] * 2


def test_fault_21_a_charset_that_nobody_knows_is_passed_over_with_a_hint():
    with (
        serve_script(http_response("a\né\n".encode(), "Content-Type: text/csv; charset=klingon")) as server,
        pytest.warns(paio.HintWarning, match="unknown charset 'klingon'.*encoding= names another"),
    ):
        out = FRAME.aio.fetch(server.url + "/{id}", client=paio.Client())
    assert out["a"].tolist() == ["é", "é"]


def test_an_encoding_that_nobody_knows_is_refused_before_the_first_request():
    with serve_script(http_response(b"{}")) as server:
        with pytest.raises(paio.PlanError, match="encoding='utf-9'"):
            FRAME.aio.fetch(server.url + "/{id}", encoding="utf-9", client=paio.Client())
        with pytest.raises(paio.PlanError, match="encoding= is an option of the call"):
            FRAME.aio.fetch(server.url + "/{id}", read_options={"encoding": "cp1252"}, client=paio.Client())
    assert server.requests == []


def test_a_compressed_file_is_unpacked_within_max_body():
    """A row whose file is too large fails alone."""
    small, large = gzip.compress(b"a\n1\n"), gzip.compress(b"a\n" + b"1\n" * 9_000)
    client = paio.Client(max_body=10_000)
    with (
        serve_script(http_response(small), http_response(large)) as server,
        pytest.warns(paio.FetchWarning, match="max_body=10000"),
    ):
        out = FRAME.aio.fetch(server.url + "/{id}.csv.gz", client=client, concurrency=1, retry=1)
    assert out.aio.outcomes["outcome"].tolist() == ["ok", "body_too_large"]
    assert out["a"].tolist() == [1, pd.NA]


def test_a_kept_answer_is_read_in_the_charset_of_the_call(tmp_path):
    with serve_script(http_response(CP1252, "Content-Type: text/csv", "Cache-Control: max-age=60")) as server:
        options = {"encoding": "cp1252", "client": paio.Client(), "store": tmp_path / "calls.sqlite"}
        for _ in range(2):
            out = FRAME.aio.fetch(server.url + "/{id}", **options)
            assert out["name"].tolist() == ["café", "café"]
        assert len(server.requests) == 2
