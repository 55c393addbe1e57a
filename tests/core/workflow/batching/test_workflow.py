"""The workflow of blocks: each key is delivered once, refused blocks are split, no key gets another's records."""

from __future__ import annotations

import re
from uuid import UUID

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.body.interpret import Interpreter
from pandas_async_io._core.errors import AttemptError
from pandas_async_io._core.models import Outcome, Page, Response, Result
from pandas_async_io._core.request.query import parse_json_body
from pandas_async_io._core.request.request_template import compile_request_template
from pandas_async_io._core.request.rows.expand import expand
from pandas_async_io._core.table.records.shape import Shape, compile_shape
from pandas_async_io._core.workflow.batching.batches import Batches
from pandas_async_io._core.workflow.batching.key_field import KeyField
from pandas_async_io._core.workflow.batching.matching import MatchRules
from pandas_async_io._core.workflow.batching.workflow import BatchingWorkflow

SENT = {"Authorization": "Bearer x"}
CALL = UUID(int=7)
DICE = st.randoms(use_true_random=True)
RULES = MatchRules("id", Shape())


class Run:
    """The workflow of keys from 0, driven as the engine drives it, and what it delivered."""

    def __init__(self, count, size, *, headers=None, rules=RULES, **options):
        self.batches = Batches.build(pd.DataFrame({"id": range(count)}), KeyField("id", in_body=True), size)
        self.template = compile_request_template(
            "https://e.com/b", method="POST", json={"ids": "{id}"}, headers=headers
        )
        self.delivered = {}
        self.workflow = BatchingWorkflow(
            self.batches, self.requests, rules=rules, decode=Interpreter(), deliver=self.deliver, **options
        )

    def requests(self, blocks, headers=None):
        made = expand(self.batches.build_rows(blocks), self.template)
        return [made.request(at, {**made.headers, **(headers or {})}) for at in made.row_to_request.tolist()]

    def deliver(self, key, result):
        assert key not in self.delivered
        self.delivered[key] = result

    def begin(self):
        planned = enumerate(self.requests(self.batches.blocks, SENT))
        return [(at, step) for at, request in planned for step in self.workflow.begin(at, request)]

    def answer(self, position, step, status, payload=None):
        """Take a response; return the steps that follow."""
        page, steps = Page(step.request, Response(status, {}, b"", step.request.url), payload), ()
        result = Result(Outcome.OK if status == 200 else Outcome.HTTP_ERROR, payload, status, 1)
        try:
            if status == 200:
                steps = self.workflow.next_steps(position, step.number, page, 0.0, 0.0)
            else:
                steps = self.workflow.replacement_steps(position, step.number, step.request, status)
        except AttemptError as error:
            result = Result(error.outcome, None, status, 1, error=str(error))
        self.workflow.finish_step(position, step.number, result)
        return [(position, each) for each in steps]


def ids(step):
    return parse_json_body(step.request)["ids"]


@given(
    st.integers(1, 40),
    st.integers(1, 20),
    st.sets(st.integers(0, 39)),
    st.randoms(use_true_random=True),
    st.sampled_from([400, 413]),
)
def test_every_key_is_delivered_once_in_whatever_order_the_responses_come(count, size, bad, dice, status):
    """Keys that spoil their request fail; all others are ok, however few they are."""
    run = Run(count, size)
    open_now = run.begin()
    while open_now:
        position, step = open_now.pop(dice.randrange(len(open_now)))
        spoilt = bad.intersection(ids(step))
        payload = [{"id": key, "x": -key} for key in reversed(ids(step))]
        open_now += run.answer(position, step, status if spoilt else 200, None if spoilt else payload)
    run.workflow.close()
    run.workflow.close()
    assert sorted(run.delivered) == list(range(count))
    fine = {key: result.payload for key, result in run.delivered.items() if result.outcome is Outcome.OK}
    expected = {key: [{"x": -key}] for key in range(count) if key not in bad}
    assert fine == expected


def test_while_nothing_is_accepted_one_block_is_split_and_the_others_wait():
    """The first accepted part releases them; each half has the headers of its own block."""
    run = Run(12, 4)
    first, second, third = run.begin()
    left, right = run.answer(*first, 400)
    assert ids(left[1]) + ids(right[1]) == ids(first[1])
    assert run.answer(*second, 400) == []
    assert run.answer(*right, 400) != []
    assert run.answer(*third, 422) == []
    assert run.delivered == {}
    released = run.answer(*left, 200, [{"id": 0}])
    assert sorted(ids(step) for _, step in released) == [[4, 5], [6, 7], [8, 9], [10, 11]]
    assert {step.request.headers["Authorization"] for _, step in released} == {"Bearer x"}
    assert len({(position, step.number) for position, step in [left, right, *released]}) == 6
    assert sorted(run.delivered) == [0, 1]


def test_an_answer_without_the_keys_releases_the_waiting_blocks_too():
    """The server accepted its keys, even if the answer cannot be matched."""
    run = Run(4, 2)
    first, second = run.begin()
    assert run.answer(*second, 400) == []
    released = run.answer(*first, 200, [{"key": 1}])
    assert [ids(step) for _, step in released] == [[2], [3]]
    assert {result.outcome for result in run.delivered.values()} == {Outcome.PARSE_ERROR}


def test_a_block_that_times_out_holds_back_no_other():
    """The next refusal goes on with the blocks behind it."""
    run = Run(12, 4)
    first, second, third = run.begin()
    assert run.answer(*second, 400) == []
    run.workflow.finish_step(first[0], first[1].number, Result(Outcome.TIMEOUT))
    assert [ids(step) for _, step in run.answer(*third, 400)] == [[4, 5], [6, 7]]


def test_a_mismatch_is_a_finding_of_the_first_key_without_an_answer():
    """A block with unanswered keys but no unmatched record has no finding."""
    run = Run(6, 3)
    first, second = run.begin()
    run.answer(*first, 200, [{"id": 0}, {"id": 7}])
    run.answer(*second, 200, [{"id": 3}])
    assert list(run.workflow.findings) == [1]
    [text] = run.workflow.findings[1]
    assert text.startswith("batch=: 2 of 3 keys had no answer ('1', '2'), and 1 record came for none of them (7)")


def test_blocks_that_still_wait_at_the_end_fail_with_their_own_error():
    """The reason for the end of the run does not matter."""
    run = Run(8, 4)
    first, second = run.begin()
    run.answer(*first, 400)
    run.answer(*second, 422)
    assert run.delivered == {}
    run.workflow.close()
    assert {key: result.status for key, result in run.delivered.items()} == dict.fromkeys(range(4, 8), 422)


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_a_block_that_fails_for_another_reason_is_not_split(status):
    """Its keys are not at fault."""
    run = Run(3, 3)
    [only] = run.begin()
    assert run.answer(*only, status) == []
    assert {result.status for result in run.delivered.values()} == {status}
    assert len(run.delivered) == 3


def test_the_url_of_a_half_is_its_own_or_the_target_of_a_redirect():
    """The planned URL is that of the whole block."""
    run = Run(2, 2)
    [only] = run.begin()
    left, right = run.answer(*only, 400)
    run.workflow.finish_step(left[0], left[1].number, Result(Outcome.TIMEOUT))
    run.workflow.finish_step(right[0], right[1].number, Result(Outcome.TIMEOUT, url="https://e.com/moved"))
    assert [run.delivered[key].url for key in (0, 1)] == ["https://e.com/b", "https://e.com/moved"]


def test_requests_with_other_keys_have_other_idempotency_keys():
    """Equal requests have equal keys, in another run too; a key that the user gave is kept."""
    run, repeated = Run(4, 4, idempotency_key=("X-Key", CALL)), Run(4, 2, idempotency_key=("X-Key", CALL))
    [only] = run.begin()
    halves = run.answer(*only, 400)
    sent = [step.request.headers["X-Key"] for _, step in [only, *halves]]
    assert len(set(sent)) == 3
    assert [step.request.headers["X-Key"] for _, step in repeated.begin()] == sent[1:]
    own = Run(2, 2, idempotency_key=("X-Key", CALL), headers={"x-key": "mine"})
    [only] = own.begin()
    found = [step.request.headers for _, step in [only, *own.answer(*only, 400)]]
    assert [{name.lower(): value for name, value in each.items()}["x-key"] for each in found] == ["mine"] * 3
    assert not any("X-Key" in each for each in found)


ANSWERS = {
    "a list": ([{"id": 1, "x": 2}], {}, [None, [{"x": 2}]]),
    "texts": ([{"id": "1", "x": 2}], {}, [None, [{"x": 2}]]),
    "a table": (pd.DataFrame({"id": [1, 7], "x": ["a", "b"]}), {}, [None, [{"x": "a"}]]),
    "an empty table": (pd.DataFrame({"id": []}), {}, [None, None]),
    "an envelope": ({"items": [{"id": 1}], "total": 1}, {}, [None, [{}]]),
    "a path": ({"a": [{"b": [{"id": 1}]}, {"b": [{"id": 0}]}]}, {"record_path": "a.b"}, [[{}], [{}]]),
    "the key too": ([{"id": 1}], {"columns": ["id"]}, [None, [{"id": 1}]]),
    "a record": ({"id": 1, "items": [{"id": 1, "x": 2}]}, {}, [None, [{"items": [{"id": 1, "x": 2}]}]]),
    "by key": ({"1": {"id": {"no": "scalar"}}, "n": 7}, {}, [None, [{"id": {"no": "scalar"}}]]),
    "by key, values": ({"0": 0.5, "1": None}, {}, [[0.5], None]),
    "by key, lists": ({"0": [{"x": 1}, {"x": 2}], "1": []}, {}, [[{"x": 1}, {"x": 2}], None]),
    "by key, deep": ({"a": {"1": {"x": 1}}}, {"record_path": "a"}, [None, [{"x": 1}]]),
    "nothing": ([], {}, [None, None]),
    "null": (None, {}, [None, None]),
    "an empty object": ({}, {}, [None, None]),
    "an empty object, deep": ({"a": {}}, {"record_path": "a"}, [None, None]),
    "nulls": ([None, None], {}, [None, None]),
}


@pytest.mark.parametrize(("payload", "options", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_each_key_gets_its_records(payload, options, expected):
    """The records may be anywhere and lose the key; an object without fields is no record."""
    run = Run(2, 2, rules=MatchRules.compile("id", compile_shape(**options)))
    [only] = run.begin()
    run.answer(*only, 200, payload)
    assert [run.delivered[key].payload for key in (0, 1)] == expected
    assert {result.outcome for result in run.delivered.values()} == {Outcome.OK}


@pytest.mark.parametrize(
    ("payload", "options", "message"),
    [
        ([{"key": 1}], {}, r"no record holds a key at 'id': pass on=.*there is 'key'"),
        ([{"id": 7}], {}, r"none of the keys is in the answer: '0', '1' were asked for, '7' came at 'id'"),
        ({"a": [{"id": 1}], "b": [{"id": 1}]}, {}, r"^batch=: which list holds the records\?.*record_path='a'"),
        ({"a": 1}, {"record_path": "a"}, r"'a' holds int"),
        ({"error": "not now"}, {}, r"there is 'error'"),
    ],
)
def test_an_answer_without_the_keys_is_an_error(payload, options, message):
    """Otherwise all its rows would silently be empty."""
    run = Run(2, 2, rules=MatchRules.compile("id", compile_shape(**options)))
    [only] = run.begin()
    run.answer(*only, 200, payload)
    assert {result.outcome for result in run.delivered.values()} == {Outcome.PARSE_ERROR}
    assert [result.payload for result in run.delivered.values()] == [None, None]
    assert re.search(message, run.delivered[0].error)


@pytest.mark.parametrize(
    ("options", "typed", "kept"),
    [
        ({}, (), False),
        ({}, ("user.id",), True),
        ({}, ("user_id", "x"), False),
        ({"sep": "_"}, ("user_id", "x"), True),
        ({"columns": {"user.id": "key"}}, (), True),
        ({"columns": ["x"]}, ("user.id",), False),
    ],
)
def test_the_key_is_kept_if_columns_or_schema_names_it(options, typed, kept):
    """columns= decides if it is given; the name is that of the flat column."""
    run = Run(1, 1, rules=MatchRules.compile("user.id", compile_shape(**options), typed))
    [only] = run.begin()
    run.answer(*only, 200, [{"user": {"id": 0}, "x": 1}])
    assert run.delivered[0].payload == [{"user": {"id": 0}, "x": 1} if kept else {"x": 1}]
