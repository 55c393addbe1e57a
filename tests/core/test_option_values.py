"""Flags, choices, texts and collections as options; the odd values are in `tests.e2e.odd_values`."""

import functools

import numpy as np
import pandas as pd
import pytest

import pandas_async_io as paio
from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.option_values import (
    check_choice,
    check_flag,
    check_hooks,
    check_text,
    is_plain_function,
    list_members,
)
from pandas_async_io._core.words import show_value


@pytest.mark.parametrize("value", [True, False, np.True_, np.False_])
def test_a_flag_is_a_bool_or_numpys(value):
    """It becomes Python's."""
    assert check_flag("join", value) is bool(value)


@pytest.mark.parametrize("value", ["inner", 1, 0, None, np.array([True]), pd.NA, float("nan")], ids=repr)
def test_nothing_else_is_a_flag(value):
    """The message has the option, the value and what to pass."""
    with pytest.raises(PlanError, match=r"^join=.*: pass True or False$"):
        check_flag("join", value)


@pytest.mark.parametrize("value", ["outer", None, np.array(["left"]), ["left"]], ids=repr)
def test_a_choice_is_one_of_the_texts(value):
    """An array is compared as a whole."""
    check_choice("how", "left", ("left", "inner"))
    with pytest.raises(PlanError, match="choose one of 'left', 'inner'"):
        check_choice("how", value, ("left", "inner"))


@pytest.mark.parametrize("value", ["\ud800", None, b"a"], ids=ascii)
def test_a_text_can_be_encoded(value):
    """pandas could not make a column of a lone surrogate, after everything was sent."""
    with pytest.raises(PlanError, match=r"prefix=.* must be a str that UTF-8 can encode"):
        check_text("prefix", value)


@pytest.mark.parametrize(
    ("value", "members"),
    [
        ({"a"}, ["a"]),
        (pd.Index(["a", "b"]), ["a", "b"]),
        (pd.Series([1, 2]), [1, 2]),
        (np.array([]), []),
        ({"a": 1}.keys(), ["a"]),
        (pd.DataFrame({"a": [1]}), None),
        (np.ones((2, 2)), None),
        (np.array(3), None),
        (range(10**30), None),
        (b"ab", None),
        (3, None),
    ],
)
def test_members_of_a_collection(value, members):
    """A frame has columns, not members."""
    assert list_members(value) == members


def test_a_function_that_must_be_awaited_is_no_plain_one():
    """Neither is an object whose call is one."""

    class Later:
        async def __call__(self):
            """Do nothing."""

    class Now:
        def __call__(self):
            """Do nothing."""

    assert [is_plain_function(value) for value in (Now(), Later(), Later().__call__, len)] == [True, False, False, True]


def test_a_value_is_shown_in_one_short_line():
    """Whatever its own repr does."""

    class Odd:
        def __repr__(self):
            raise RuntimeError

    assert show_value(Odd()) == "<an Odd>"
    assert show_value("a" * 200).endswith("…")
    assert "\n" not in show_value(pd.DataFrame({"a": range(100)}))


async def wait_for(event):
    """Take an event, but only when awaited."""


class Counter:
    """A hook that is an object."""

    def __call__(self, event):
        pass


COUNTER = Counter()
PARTIAL = functools.partial(print, sep="")


@pytest.mark.parametrize(
    ("given", "hooks"),
    [((), ()), (print, (print,)), ([print, COUNTER], (print, COUNTER)), (PARTIAL, (PARTIAL,))],
    ids=["none", "function", "list", "partial"],
)
def test_hooks_are_one_callable_or_several(given, hooks):
    assert check_hooks(given) == hooks


@pytest.mark.parametrize(
    "given",
    ["print", 5, None, {"a": print}, wait_for, [print, wait_for], Counter, [Counter], [5]],
    ids=[
        "text",
        "number",
        "None",
        "mapping",
        "coroutine",
        "coroutine in a list",
        "class",
        "class in a list",
        "numbers",
    ],
)
def test_what_cannot_be_called_with_an_event_is_refused(given):
    """For a call and for a client, before anything is sent."""
    with pytest.raises(paio.PlanError, match="pass a function of an event"):
        pd.DataFrame({"id": [1]}).aio.fetch("https://e.com/{id}", hooks=given)
    with pytest.raises(paio.PlanError, match="pass a function of an event"):
        paio.Client(hooks=given)
