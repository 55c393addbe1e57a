"""Halving: in the end the bad keys are alone, in whatever order the responses come."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.workflow.batching.halving import Halving, split_block


def blocks_of(count, size):
    return [np.arange(start, min(start + size, count)) for start in range(0, count, size)]


def run(blocks, bad, dice=None, status=422):
    """Send all blocks, take the responses in any order; return the accepted keys and the number of requests."""
    halving, in_flight, fine, sent = Halving(blocks), list(blocks), set(), 0
    while in_flight:
        part = in_flight.pop(0 if dice is None else dice.randrange(len(in_flight)))
        sent += 1
        if bad.isdisjoint(part.tolist()):
            fine.update(part.tolist())
            due = halving.accept(part)
        else:
            due = halving.refuse(part, status)
        in_flight += [half for each in due for half in split_block(each)]
    return fine, sent


@given(st.integers(1, 300), st.data())
def test_one_bad_key_is_found_alone(size, data):
    """All others are answered, for at most two more requests per level."""
    poison = data.draw(st.integers(0, size - 1))
    fine, sent = run(blocks_of(size, size), {poison})
    assert fine == set(range(size)) - {poison}
    assert sent - 1 <= 2 * math.ceil(math.log2(size)) if size > 1 else sent == 1


@given(st.integers(1, 100), st.integers(1, 60), st.sets(st.integers(0, 99)), st.randoms(use_true_random=True))
def test_every_good_key_is_answered_in_a_call_of_up_to_a_hundred_blocks(count, size, bad, dice):
    """The number of bad keys and the order of the responses do not matter."""
    assert run(blocks_of(count, size), bad, dice)[0] == set(range(count)) - bad


@given(st.integers(2, 400), st.sets(st.integers(0, 399), min_size=1), st.randoms(use_true_random=True))
def test_a_single_block_is_split_to_the_end(size, good, dice):
    """One good key among many is found, for at most two requests a key."""
    fine, sent = run(blocks_of(size, size), set(range(size)) - good, dice)
    assert fine == good & set(range(size))
    assert sent <= 2 * size


@given(st.integers(1, 150), st.integers(1, 60), st.floats(0, 1), st.randoms(use_true_random=True))
@pytest.mark.slow
def test_the_accepted_keys_do_not_depend_on_the_order_of_the_responses(count, size, share, dice):
    """If nothing is ever accepted, neither does the number of requests."""
    blocks = blocks_of(count * size, size)
    bad = {key for key in range(count * size) if dice.random() < share} or {0}
    first, shuffled = (run(blocks, bad, order) for order in (None, dice))
    assert first[0] == shuffled[0]
    assert first[0] or first == shuffled


@pytest.mark.parametrize(("count", "size", "most"), [(100, 100, 150), (1000, 50, 1500), (10, 1000, 190), (400, 2, 600)])
def test_a_call_that_is_always_refused_costs_few_extra_requests(count, size, most):
    """Half as many as it has blocks, or as many as it takes to split a hundred keys."""
    fine, sent = run(blocks_of(count * size, size), set(range(count * size)))
    assert not fine
    assert count < sent <= most


def test_the_first_accepted_part_splits_all_waiting_blocks():
    """Later refusals are split at once."""
    first, second, third, fourth = blocks = blocks_of(16, 4)
    halving = Halving(blocks)
    assert halving.refuse(second, 400) == halving.refuse(third, 400) == []
    assert [part.tolist() for part in halving.accept(first)] == [second.tolist(), third.tolist()]
    assert halving.refuse(fourth, 400)[0] is fourth


def test_a_part_that_times_out_holds_back_no_other():
    """The next refusal takes its turn."""
    first, second, third = blocks = blocks_of(12, 4)
    halving = Halving(blocks)
    assert halving.refuse(second, 400) == []
    halving.drop(first)
    assert halving.refuse(third, 500)[0] is second


@pytest.mark.parametrize(
    ("status", "halved"),
    [(400, True), (413, True), (414, True), (422, True), (404, False), (500, False), (None, False)],
)
def test_a_block_is_split_if_a_key_or_its_length_may_be_at_fault(status, halved):
    """Any other failure is the block's own."""
    [block] = blocks_of(4, 4)
    assert bool(Halving([block]).refuse(block, status)) is halved
