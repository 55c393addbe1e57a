"""Halving: the bad keys stand alone in the end, in whatever order the answers come."""

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
    """Send all, take the answers in any order, and return which keys were accepted and how many requests it took."""
    halving, on_the_wire, fine, asked = Halving(blocks), list(blocks), set(), 0
    while on_the_wire:
        part = on_the_wire.pop(0 if dice is None else dice.randrange(len(on_the_wire)))
        asked += 1
        if bad.isdisjoint(part.tolist()):
            fine.update(part.tolist())
            due = halving.accepted(part)
        else:
            due = halving.refused(part, status)
        on_the_wire += [half for each in due for half in split_block(each)]
    return fine, asked


@given(st.integers(1, 300), st.data())
def test_one_poisoned_key_is_found_alone(size, data):
    """All others are answered, with two more requests per level at most."""
    poison = data.draw(st.integers(0, size - 1))
    fine, asked = run(blocks_of(size, size), {poison})
    assert fine == set(range(size)) - {poison}
    assert asked - 1 <= 2 * math.ceil(math.log2(size)) if size > 1 else asked == 1


@given(st.integers(1, 100), st.integers(1, 60), st.sets(st.integers(0, 99)), st.randoms(use_true_random=True))
def test_every_good_key_of_a_call_of_a_hundred_is_answered(count, size, bad, dice):
    """However many are bad and whatever the order of the answers."""
    assert run(blocks_of(count, size), bad, dice)[0] == set(range(count)) - bad


@given(st.integers(2, 400), st.sets(st.integers(0, 399), min_size=1), st.randoms(use_true_random=True))
def test_an_only_block_is_taken_apart_to_the_end(size, good, dice):
    """One good key among many is found, for two requests a key at most."""
    fine, asked = run(blocks_of(size, size), set(range(size)) - good, dice)
    assert fine == good & set(range(size))
    assert asked <= 2 * size


@given(st.integers(1, 150), st.integers(1, 60), st.floats(0, 1), st.randoms(use_true_random=True))
def test_what_is_found_does_not_depend_on_the_order_of_the_answers(count, size, share, dice):
    """Nor does it, where nothing is ever accepted, what is asked for."""
    blocks = blocks_of(count * size, size)
    bad = {key for key in range(count * size) if dice.random() < share} or {0}
    first, again = (run(blocks, bad, order) for order in (None, dice))
    assert first[0] == again[0]
    assert first[0] or first == again


@pytest.mark.parametrize(("count", "size", "most"), [(100, 100, 150), (1000, 50, 1500), (10, 1000, 190), (400, 2, 600)])
def test_a_call_that_is_always_wrong_is_not_taken_apart(count, size, most):
    """It costs half as many requests again as it has blocks, or what takes a hundred keys apart."""
    fine, asked = run(blocks_of(count * size, size), set(range(count * size)))
    assert not fine
    assert count < asked <= most


def test_once_anything_was_accepted_all_that_waited_is_halved():
    """And whatever is refused afterwards at once."""
    first, second, third, fourth = blocks = blocks_of(16, 4)
    halving = Halving(blocks)
    assert halving.refused(second, 400) == halving.refused(third, 400) == []
    assert [part.tolist() for part in halving.accepted(first)] == [second.tolist(), third.tolist()]
    assert halving.refused(fourth, 400)[0] is fourth


def test_a_part_that_no_one_answers_keeps_none_waiting_for_long():
    """After a timeout, or a failure of another kind, the next refusal has its turn."""
    first, second, third = blocks = blocks_of(12, 4)
    halving = Halving(blocks)
    assert halving.refused(second, 400) == []
    halving.lost(first)
    assert halving.refused(third, 500)[0] is second


@pytest.mark.parametrize(
    ("status", "halved"),
    [(400, True), (413, True), (414, True), (422, True), (404, False), (500, False), (None, False)],
)
def test_a_block_is_halved_where_a_key_or_its_length_may_be_to_blame(status, halved):
    """Any other failure is the block's own."""
    [block] = blocks_of(4, 4)
    assert bool(Halving([block]).refused(block, status)) is halved
