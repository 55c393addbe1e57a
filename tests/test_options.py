"""Options: written out once, checked at once, shown where they are asked for."""

import inspect
from dataclasses import fields

import pytest

from pandas_async_io._core.errors import PlanError
from pandas_async_io.options import FetchOptions, ReadOptions, takes, takes_with_url


@takes(ReadOptions)
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


class Doors:
    """A method that takes options."""

    @takes_with_url(FetchOptions)
    def fetch(self, url, **options):
        """Fetch.

        {options}
        """
        return url, options


def names(options):
    return [each.name for each in fields(options)]


def test_a_dressed_function_shows_every_option_and_passes_what_is_given():
    """Its signature has the options with their defaults, keyword-only; the call is not changed."""
    parameters = inspect.signature(read).parameters
    assert next(iter(parameters)) == "url"
    assert set(parameters) == {"url", *names(ReadOptions)}
    assert parameters["errors"].default == "raise"
    assert all(one.kind is inspect.Parameter.KEYWORD_ONLY for name, one in parameters.items() if name != "url")
    assert read("x", sep="_") == ("x", {"sep": "_"})
    assert Doors().fetch("x", how="inner") == ("x", {"how": "inner"})
    assert next(iter(inspect.signature(Doors().fetch).parameters)) == "url"


@pytest.mark.parametrize(("function", "options"), [(read, ReadOptions), (Doors.fetch, FetchOptions)])
def test_a_docstring_explains_every_option(function, options):
    """What Shift-Tab shows names each option, and keeps the sections that follow."""
    text = inspect.getdoc(function)
    assert "{options}" not in text
    for name in names(options):
        assert name in text, name
    assert "Returns\n-------" in text or function is Doors.fetch


@pytest.mark.parametrize(
    ("typo", "nearest"), [("concurency", "concurrency"), ("header", "headers"), ("error", "errors"), ("ovr", "over")]
)
def test_a_typo_names_the_nearest_option(typo, nearest):
    """An unknown option is a TypeError, as for any function, with the right name."""
    with pytest.raises(TypeError, match=rf"read\(\) got an unexpected option '{typo}'; nearest: '{nearest}'"):
        read("x", **{typo: 1})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"how": "outer"}, "'left', 'inner'"),
        ({"errors": "ignore"}, "'raise', 'coerce'"),
        ({"format": "sausage"}, "auto"),
        ({"suffix": ""}, "take the place of another"),
        ({"suffix": None}, "no text"),
        ({"prefix": None}, "no text"),
        ({"client": "https://e.com"}, "client= is a Client"),
    ],
)
def test_a_value_that_cannot_be_right_raises_at_once(options, message):
    """A wrong option is found before a frame is looked at."""
    with pytest.raises(PlanError, match=message):
        FetchOptions(**options)
