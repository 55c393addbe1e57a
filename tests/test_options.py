"""Options: checked at once, and shown in signatures and docstrings."""

import inspect
import pydoc
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

import pandas_async_io as paio
from pandas_async_io._core.errors import PlanError
from pandas_async_io.option_signatures import with_options, with_url_and_options
from pandas_async_io.options import FetchOptions, ReadOptions


@with_options(ReadOptions)
def read(url, **options):
    """Read.

    Parameters
    ----------
    {options}

    Returns
    -------
    tuple
    """
    return url, options


class Accessor:
    """A method that takes options."""

    @with_url_and_options(FetchOptions)
    def fetch(self, url, **options):
        """Fetch.

        {options}
        """
        return url, options


def names(options):
    return [each.name for each in fields(options)]


def test_a_decorated_function_shows_every_option_and_passes_the_given_ones():
    """The signature has the options with their defaults, keyword-only."""
    parameters = inspect.signature(read).parameters
    assert next(iter(parameters)) == "url"
    assert set(parameters) == {"url", *names(ReadOptions)}
    assert parameters["errors"].default == "raise"
    assert all(one.kind is inspect.Parameter.KEYWORD_ONLY for name, one in parameters.items() if name != "url")
    assert read("x", sep="_") == ("x", {"sep": "_"})
    assert Accessor().fetch("x", how="inner") == ("x", {"how": "inner"})
    assert next(iter(inspect.signature(Accessor().fetch).parameters)) == "url"


@pytest.mark.parametrize(("function", "options"), [(read, ReadOptions), (Accessor.fetch, FetchOptions)])
def test_a_docstring_explains_every_option(function, options):
    """The docstring names each option and keeps the sections after it."""
    text = inspect.getdoc(function)
    assert "{options}" not in text
    for name in names(options):
        assert name in text, name
    assert "Returns\n-------" in text or function is Accessor.fetch


@pytest.mark.parametrize(
    ("typo", "nearest"), [("concurency", "concurrency"), ("header", "headers"), ("error", "errors"), ("ovr", "over")]
)
def test_a_typo_names_the_nearest_option(typo, nearest):
    """An unknown option is a TypeError, as for any function."""
    with pytest.raises(TypeError, match=rf"read\(\) got an unexpected option '{typo}'; nearest: '{nearest}'"):
        read("x", **{typo: 1})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"how": "outer"}, "'left', 'inner'"),
        ({"errors": "ignore"}, "'raise', 'coerce'"),
        ({"format": "sausage"}, "auto"),
        ({"suffix": ""}, "replace another one"),
        ({"suffix": None}, "must be a str"),
        ({"prefix": None}, "must be a str"),
        ({"client": "https://e.com"}, "client='https://e.com': pass a Client"),
        ({"deadline": 0}, "deadline=0 is not a number of seconds above 0"),
        ({"deadline": "1min"}, "deadline='1min' is not a number of seconds"),
        ({"max_requests": 2.5}, "max_requests=2.5 is not a whole number above 0"),
        ({"max_pages": True, "pages": "auto"}, "max_pages=True is not a whole number above 0"),
    ],
)
def test_an_unusable_value_raises_at_once(options, message):
    """Before the frame is read."""
    with pytest.raises(PlanError, match=message):
        FetchOptions(**options)


def test_numbers_may_be_numpys_and_durations_pandas():
    """Options keep them as Python's own numbers."""
    options = FetchOptions(deadline=pd.Timedelta(2, "min"), max_requests=np.int64(7))
    assert (options.deadline, options.max_requests) == (120.0, 7)
    assert type(options.max_requests) is int


@pytest.mark.parametrize("function", [pd.DataFrame().aio.fetch, pd.Series(dtype=str).aio.fetch, paio.read_api])
def test_help_opens_with_one_line_and_the_signature_has_every_option(function):
    """The signature of fifty options would fill a screen before the first sentence."""
    heading = pydoc.plain(pydoc.render_doc(function)).splitlines()[2]
    assert "**options" in heading
    assert len(heading) < 100
    assert "timeout" in inspect.signature(function).parameters
