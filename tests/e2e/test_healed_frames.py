"""What `retry_failed` completes is the frame of a run without failures: names, order, types and nulls."""

from __future__ import annotations

import json
import warnings
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pandas_async_io as paio
from tests.servers.scripted import http_response, serve_function

INTEGERS = st.integers(-3, 3) | st.sampled_from([2**53 + 1, 2**63, 2**64, -(2**63)])
SCALARS = st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=2)
CELLS = SCALARS | st.lists(INTEGERS, max_size=2) | st.dictionaries(st.sampled_from("xy"), SCALARS, max_size=2)
RECORDS = st.dictionaries(st.sampled_from(["a", "b", "c", "id", "page"]), CELLS, max_size=4)
ANSWERS = st.lists(RECORDS, max_size=3) | RECORDS
TABLES = st.lists(st.sampled_from("abc"), min_size=1, unique=True).flatmap(
    lambda names: st.lists(
        st.tuples(*[st.sampled_from(["", "1", "2.5", "x", "True"])] * len(names)).map(",".join), max_size=3
    ).map(lambda lines: "\n".join([",".join(names), *lines, ""]))
)
CHAINS = st.lists(st.lists(RECORDS, min_size=1, max_size=3), min_size=1, max_size=4).map(tuple)


class Api:
    """Answers `/n` with the n-th answer, but for the first `failing[n]` times."""

    def __init__(self):
        self.answers, self.failing, self.url = [], {}, ""

    def answer(self, request):
        url = urlsplit(request.target)
        number, page = int(url.path[1:]), int(parse_qs(url.query).get("page", ["1"])[0])
        if self.failing.get((number, page), 0) > 0:
            self.failing[number, page] -= 1
            return http_response(status="500 Broken")
        answer = self.answers[number]
        if isinstance(answer, str):
            return http_response(answer.encode(), "Content-Type: text/csv")
        if isinstance(answer, tuple):
            following = {"next": page + 1} if page < len(answer) else {}
            items = [{**record, "n": 10 * page + at} for at, record in enumerate(answer[page - 1])]
            answer = {"items": items, "page": page, **following}
        return http_response(json.dumps(answer).encode(), "Content-Type: application/json")


@pytest.fixture(scope="module")
def api():
    served = Api()
    with serve_function(served.answer) as server:
        served.url = server.url
        served.client = paio.Client(concurrency=4, retry=1)
        yield served


@contextmanager
def quiet():
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        yield


def to_text(frame):
    """Return names, dtypes and cells as text: None differs from NaN, 1 from 1.0 and True."""
    cells = [(str(name), str(frame.dtypes.iloc[at]), repr(frame.iloc[:, at].tolist())) for at, name in enumerate(frame)]
    return [repr(frame.index), *cells]


def assert_healed_as_clean(api, read, answers, failing):
    """Read with and without failures; complete the former."""
    api.answers, api.failing = answers, {}
    with quiet():
        clean = read()
    api.failing = {at: times for at, times in failing.items() if times}
    with quiet():
        healed = read()
        for _ in range(1 + sum(failing.values())):
            if healed.aio.failures.empty:
                break
            once_more = dict(api.failing)
            second = healed.aio.retry_failed()
            api.failing = once_more
            healed = healed.aio.retry_failed()
            assert to_text(healed) == to_text(second)
    assert healed.aio.failures.empty
    assert to_text(healed) == to_text(clean)
    assert healed.aio.report.drifted == clean.aio.report.drifted


def failing_rows(data, count):
    times = data.draw(st.lists(st.sampled_from([0, 0, 1, 2]), min_size=count, max_size=count))
    return {(at, 1): each for at, each in enumerate(times)}


OPTIONS = {
    "plain": {},
    "inner": {"how": "inner"},
    "records alone": {"join": False},
    "prefix": {"prefix": "id", "suffix": "_x"},
    "columns": {"columns": {"b": "B", "a": "id", "z": "z"}},
    "schema": {"schema": {"c": "string", "b": "Int64"}},
    "numpy_nullable": {"dtype_backend": "numpy_nullable"},
    "pyarrow": {"dtype_backend": "pyarrow"},
}


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), answers=st.lists(ANSWERS | TABLES, min_size=1, max_size=5))
def test_a_healed_frame_is_the_clean_one(api, options, data, answers):
    """Whatever the answers are, and whichever rows failed, once or twice; equal rows share a request."""
    ids = data.draw(st.lists(st.integers(0, len(answers) - 1), min_size=1, max_size=6))
    frame = pd.DataFrame({"id": ids, "a": "given"}, index=[5] * len(ids))
    if "schema" in options:  # a value that does not fit fails in both
        answers = [{"c": "x", "b": 1} if isinstance(each, str) else each for each in answers]
    read = lambda: frame.aio.fetch(api.url + "/{id}", client=api.client, **options)  # noqa: E731
    with quiet():
        api.answers, api.failing = answers, {}
        fits = read().aio.failures.empty
    if fits:
        assert_healed_as_clean(api, read, answers, failing_rows(data, len(answers)))


def test_a_table_without_rows_keeps_the_place_of_its_column(api):
    """Its one name is a column of another answer, so it is no message."""
    frame = pd.DataFrame({"id": [0, 1], "a": "given"})
    read = lambda: frame.aio.fetch(api.url + "/{id}", client=api.client)  # noqa: E731
    assert_healed_as_clean(api, read, ["b\n", {"a": None, "b": None}], {(0, 1): 0, (1, 1): 1})


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(data=st.data(), answers=st.lists(ANSWERS | TABLES, min_size=1, max_size=5))
def test_a_healed_read_is_the_clean_one(api, data, answers):
    """Its rows have numpy's types where no value is missing."""
    over = {"id": range(len(answers))}
    read = lambda: paio.read_api(api.url + "/{id}", over=over, client=api.client, errors="coerce")  # noqa: E731
    assert_healed_as_clean(api, read, answers, failing_rows(data, len(answers)))


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(data=st.data(), chains=st.lists(CHAINS, min_size=1, max_size=3))
def test_a_healed_chain_of_pages_is_the_clean_one(api, data, chains):
    """The pages before a failed one stay, those after it take their place; the envelope's field is no record's."""
    failing = {
        (at, page): data.draw(st.sampled_from([0, 0, 1]))
        for at, chain in enumerate(chains)
        for page in range(1, len(chain) + 1)
    }
    frame = pd.DataFrame({"id": range(len(chains))})
    options = {"pages": paio.Cursor(path="next", param="page"), "record_path": "items", "meta": "page"}
    read = lambda: frame.aio.fetch(api.url + "/{id}", client=api.client, **options)  # noqa: E731
    assert_healed_as_clean(api, read, chains, failing)


@pytest.mark.parametrize(
    ("answers", "names"),
    [
        ([{"b": 1}, {"a": 1, "b": 2}], ["id", "b", "a"]),
        ([{"a": 1, "x": {"y": 1}}, {"b": 1, "a": 2}], ["id", "a", "x.y", "b"]),
        (["b,a\n1,2\n", "c,b\n"], ["id", "b", "a", "c"]),
        ([[], {"c": 1}], ["id", "c"]),
    ],
)
@pytest.mark.parametrize("failed", [0, 1])
def test_columns_come_in_the_order_of_the_rows(api, answers, names, failed):
    """Not in the order in which they came."""
    frame = pd.DataFrame({"id": [0, 1]})
    read = lambda: frame.aio.fetch(api.url + "/{id}", client=api.client)  # noqa: E731
    assert_healed_as_clean(api, read, answers, {(failed, 1): 1})
    assert list(read()) == names


@pytest.mark.parametrize(
    ("good", "late"),
    [
        ({"a": None}, {"a": "x"}),
        ({}, {"a": [1]}),
        ({"a": 1}, {"a": "x"}),
        ({"a": 1}, {"a": 2.5}),
        ({"a": 2**53 + 1}, {"a": 2.5}),
        ({"a": 1}, {"a": 2**63}),
        ({"a": 2**63}, {"a": -1}),
        ({"a": 2**64}, {"a": None}),
        ({"a": True}, {"a": 1}),
        ([{"a": 1}, {"a": 2.5}], {"a": "x"}),
        ([{"a": None}, {}], {"a": 1}),
    ],
    ids=repr,
)
def test_a_column_has_the_type_that_both_parts_ask_for(api, good, late):
    """As if both had come in one run: each cell keeps its own type where they differ, and null its difference."""
    frame = pd.DataFrame({"id": [0, 1]})
    for answers in ([good, late], [late, good]):
        for failed in (0, 1):
            read = lambda: frame.aio.fetch(api.url + "/{id}", client=api.client)  # noqa: E731
            assert_healed_as_clean(api, read, answers, {(failed, 1): 1})


@pytest.mark.parametrize("failed", [0, 1])
def test_a_field_of_the_envelope_and_one_of_the_records_stay_apart(api, failed):
    """Both are called page; whichever row shows that they collide."""
    answers = [{"page": 7, "items": [{"a": 1}]}, {"page": 8, "items": [{"a": 2, "page": 80}]}]
    frame = pd.DataFrame({"id": [0, 1]})
    read = lambda: frame.aio.fetch(api.url + "/{id}", client=api.client, record_path="items", meta="page")  # noqa: E731
    assert_healed_as_clean(api, read, answers, {(failed, 1): 1})
    out = read()
    assert (out["page"].tolist(), out["page_meta"].tolist()) == ([pd.NA, 80], [7, 8])
