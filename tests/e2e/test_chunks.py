"""``chunksize=``: frames in order, as they come."""

import asyncio
import gc
import signal
import subprocess
import sys
import textwrap
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import json_response, serve_function

PAGES = 12


def answer(request):
    """Answer ``/rows/{id}`` with a record, ``/pages?page=`` with ten of them and a link."""
    split = urlsplit(request.target)
    query = {name: values[-1] for name, values in parse_qs(split.query).items()}
    if split.path == "/pages":
        page = int(query.get("page", 1))
        first = 10 * (page - 1)
        following = f"/pages?page={page + 1}" if page < PAGES else None
        return json_response({"items": [{"n": n} for n in range(first, first + 10)], "next": following})
    number = int(split.path.rsplit("/", 1)[1])
    return json_response({"n": number} if number < 1_000 else {"n": str(number)})


@pytest.fixture
def server():
    with serve_function(answer) as running:
        yield running


def ways_to_iterate(make):
    """Read an iterator to its end in both ways."""

    async def read():
        return [chunk async for chunk in make()]

    return {"for": lambda: list(make()), "async for": lambda: asyncio.run(read())}


@pytest.mark.parametrize("way", ["for", "async for"])
def test_chunks_are_the_frame_in_pieces(server, way):
    frame = pd.DataFrame({"id": [*range(25), None, 3, 3]}, index=pd.Index(range(100, 128), name="at"))
    options = {"client": paio.Client()}
    whole = frame.aio.fetch(server.url + "/rows/{id}", **options)
    chunks = ways_to_iterate(lambda: frame.aio.fetch(server.url + "/rows/{id}", chunksize=10, **options))[way]()
    assert [len(chunk) for chunk in chunks] == [10, 10, 8]
    pd.testing.assert_frame_equal(pd.concat(chunks), whole)


def test_a_read_continues_the_index(server):
    chunks = list(pd.read_api(server.url + "/rows/{n}", over={"n": range(5)}, chunksize=2, client=paio.Client()))
    assert [chunk.index.tolist() for chunk in chunks] == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize("chunksize", [1, 7, 10, 25, 1000])
def test_the_pages_of_one_url_stream(server, chunksize):
    chunks = list(paio.read_api(server.url + "/pages", pages="auto", chunksize=chunksize, client=paio.Client()))
    assert {len(chunk) for chunk in chunks[:-1]} <= {chunksize}
    assert pd.concat(chunks)["n"].tolist() == list(range(10 * PAGES))


def test_a_chain_waits_for_its_reader(server):
    """After each chunk of one page, at most three further pages have been asked for."""
    with paio.read_api(server.url + "/pages", pages="auto", chunksize=10, client=paio.Client()) as chunks:
        for number, _ in enumerate(chunks, start=1):
            assert len(server.requests) <= number + 3


def test_at_most_two_chunks_are_requested_ahead(server):
    with paio.read_api(server.url + "/rows/{n}", over={"n": range(300)}, chunksize=10, client=paio.Client()) as chunks:
        for number, _ in enumerate(chunks, start=1):
            assert len(server.requests) <= 10 * (number + 2)


def test_equal_requests_are_sent_once_within_a_chunk(server):
    frame = pd.DataFrame({"id": [1, 1, 1, 1, 1, 1]})
    chunks = list(frame.aio.fetch(server.url + "/rows/{id}", chunksize=3, client=paio.Client()))
    assert [chunk["n"].tolist() for chunk in chunks] == [[1, 1, 1], [1, 1, 1]]
    assert len(server.requests) == 2


def test_join_false_numbers_the_rows(server):
    frame = pd.DataFrame({"id": [5, 6, 7]})
    chunks = list(frame.aio.fetch(server.url + "/rows/{id}", chunksize=2, join=False, client=paio.Client()))
    assert [chunk["row"].tolist() for chunk in chunks] == [[0, 1], [2]]


def test_fault_66_a_drift_raises_after_the_chunks_before(server):
    frame, read = pd.DataFrame({"id": [1, 2, 3, 4, 1_000]}), []
    with pytest.raises(paio.DriftError, match=r"column 'n': record 4 has '1000' \(str\)"):
        read.extend(frame.aio.fetch(server.url + "/rows/{id}", chunksize=2, client=paio.Client()))
    assert len(read) == 0 or [len(chunk) for chunk in read] == [2, 2]
    schema = {"n": "int64"}
    chunks = list(frame.aio.fetch(server.url + "/rows/{id}", chunksize=2, schema=schema, client=paio.Client()))
    assert pd.concat(chunks)["n"].tolist() == [1, 2, 3, 4, 1_000]


def fail_at_five(request):
    number = int(request.target.rsplit("/", 1)[1])
    return json_response({"error": "no"}, status="404 Not Found") if number == 5 else json_response({"n": number})


def test_categories_of_the_schema_are_those_of_each_chunk(server):
    options = {"schema": {"n": "category"}, "client": paio.Client()}
    chunks = list(paio.read_api(server.url + "/pages", pages="auto", chunksize=15, **options))
    assert {str(chunk["n"].dtype) for chunk in chunks} == {"category"}
    assert [int(n) for chunk in chunks for n in chunk["n"]] == list(range(10 * PAGES))


def test_errors_raise_at_the_chunk_that_holds_the_failure():
    with serve_function(fail_at_five) as server:
        chunks = paio.read_api(server.url + "/{n}", over={"n": range(9)}, chunksize=2, client=paio.Client())
        assert [next(chunks)["n"].tolist() for _ in range(2)] == [[0, 1], [2, 3]]
        with pytest.raises(paio.FetchError, match="1 of 6 rows failed") as caught:
            next(chunks)
    assert caught.value.partial["n"].tolist() == [4]


def test_errors_coerce_warns_once_at_the_end():
    frame = pd.DataFrame({"id": range(9)})
    with serve_function(fail_at_five) as server:
        chunks = frame.aio.fetch(server.url + "/{id}", chunksize=2, client=paio.Client())
        with pytest.warns(paio.FetchWarning, match="1 of 9 rows failed.*See .failures of the iterator") as caught:
            read = pd.concat(list(chunks))
    assert len(caught) == 1
    assert read["n"].isna().tolist() == [number == 5 for number in range(9)]
    assert chunks.failures["row"].tolist() == [5]
    assert chunks.outcomes["outcome"].tolist() == ["http_error" if number == 5 else "ok" for number in range(9)]
    assert chunks.report.sent == 9


@pytest.mark.parametrize("break_off", ["close", "with", "collect"])
def test_breaking_off_ends_the_requests(server, break_off):
    chunks = paio.read_api(server.url + "/rows/{n}", over={"n": range(500)}, chunksize=5, client=paio.Client())
    next(chunks)
    sent = chunks._sent
    if break_off == "close":
        chunks.close()
    elif break_off == "with":
        with chunks:
            pass
    if break_off != "collect":
        assert list(chunks) == []
    del chunks
    gc.collect()
    with pytest.raises(Exception, match="cancelled"):
        sent._sending.result(10)
    assert len(server.requests) <= 50


def test_a_wrong_record_path_stops_the_first_chunk(server):
    options = {"over": {"n": range(1, 300)}, "record_path": "itmes", "pages": None, "client": paio.Client()}
    chunks = paio.read_api(server.url + "/pages?page={n}", chunksize=10, **options)
    with pytest.raises(paio.FetchError, match="record_path='itmes'"):
        next(chunks)
    assert len(server.requests) <= 20


def test_no_records_are_one_empty_chunk(server):
    (chunk,) = paio.read_api([], chunksize=5, columns=["n"], client=paio.Client())
    assert (len(chunk), list(chunk.columns)) == (0, ["n"])


@pytest.mark.parametrize("size", [0, 2.5, "x", True])
def test_a_wrong_size_is_refused(size):
    with pytest.raises(paio.PlanError, match="chunksize="):
        paio.read_api("http://e.com", chunksize=size)


def test_numpy_sizes_are_numbers(server):
    (chunk,) = paio.read_api(server.url + "/rows/1", chunksize=np.int64(3), client=paio.Client())
    assert chunk["n"].tolist() == [1]


def test_the_background_call_names_async_for():
    with pytest.raises(paio.PlanError, match="async for"):
        paio.read_api_async("http://e.com", chunksize=3)
    with pytest.raises(paio.PlanError, match="async for"):
        pd.DataFrame({"a": [1]}).aio.fetch_async("http://e.com/{a}", chunksize=3)


def test_batches_and_jobs_stream(api):
    ids = pd.DataFrame({"id": [1, 2, 3, 2, 1]})
    chunks = list(ids.aio.fetch(api + "/users{?id*}", batch=2, chunksize=2, columns=["id", "name"]))
    whole = ids.aio.fetch(api + "/users{?id*}", batch=2, columns=["id", "name"])
    pd.testing.assert_frame_equal(pd.concat(chunks), whole)


def test_your_own_session_streams(server):
    async def main():
        import aiohttp

        async with aiohttp.ClientSession() as session:
            chunks = paio.read_api(
                server.url + "/pages", pages="auto", chunksize=50, client=paio.Client(session=session)
            )
            return [len(chunk) async for chunk in chunks]

    assert asyncio.run(main()) == [50, 50, 20]


@pytest.mark.slow
def test_fault_71_an_exit_with_a_half_read_iterator_says_nothing(server):
    script = f"""
        import pandas_async_io as paio
        chunks = paio.read_api({server.url + "/rows/{n}"!r}, over={{"n": range(500)}}, chunksize=5)
        print(len(next(chunks)))
    """
    ran = subprocess.run(
        [sys.executable, "-X", "dev", "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.stdout, ran.stderr, ran.returncode) == ("5\n", "", 0)


def test_a_second_reader_of_an_iterator_is_refused_and_no_row_is_lost(server):
    chunks = pd.DataFrame({"id": range(12)}).aio.fetch(server.url + "/rows/{id}", chunksize=5)

    async def read_twice():
        first = asyncio.ensure_future(anext(chunks))
        await asyncio.sleep(0)
        with pytest.raises(paio.PlanError, match="another thread or task"):
            await anext(chunks)
        return [await first, *[chunk async for chunk in chunks]]

    assert pd.concat(asyncio.run(read_twice()))["id"].tolist() == list(range(12))


def test_fault_59_an_interrupt_while_a_chunk_is_made_is_raised_with_its_rows(server, monkeypatch):
    from pandas_async_io.call.stream.chunk_builder import ChunkBuilder

    build = ChunkBuilder.build

    def interrupt(self):
        monkeypatch.undo()
        built = build(self)
        signal.raise_signal(signal.SIGINT)
        return built

    monkeypatch.setattr(ChunkBuilder, "build", interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt) as stopped:
            next(pd.DataFrame({"id": range(5)}).aio.fetch(server.url + "/rows/{id}", chunksize=5))
    finally:
        signal.signal(signal.SIGINT, before)
    assert stopped.value.partial["n"].tolist() == list(range(5))
