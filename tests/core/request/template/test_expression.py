"""Expressions of RFC 6570: edge cases, for one row and for a column."""

import pytest

from pandas_async_io._core.errors import PlanError, TemplateError
from pandas_async_io._core.request.template.url_template import UrlTemplate


@pytest.mark.parametrize(
    ("text", "value", "url"),
    [
        ("{+a:3}", "a%2Fbc", "a%2Fb"),
        ("{+a:1}", "%C3%9Fe", "%C3%9F"),
        ("{a:1}", "%C3%9Fe", "%25"),
        ("{#a:2}", "%zz", "#%25z"),
        ("{+a}", "%2", "%252"),
        ("{;a}", "", ";a"),
        ("{;a:1}", "xy", ";a=x"),
        ("{a*}", {"k": ""}, "k="),
        ("{&a*}", {"k": ""}, "&k="),
        ("{;a*}", {"k": ""}, ";k"),
        ("{+a}{a}", "a\nb/", "a%0Ab/a%0Ab%2F"),
        ("{a:1}", [], ""),
        ("{a:1}", {}, ""),
    ],
)
def test_edge_cases_of_the_rfc(text, value, url):
    """Cases that the vectors do not cover, for one row and for a column."""
    template = UrlTemplate.compile(text)
    assert template.expand({"a": value}) == url
    assert template.expand_columns({"a": [value, "x", value]}, 3) == [url, template.expand({"a": "x"}), url]


@pytest.mark.parametrize("value", [["x", "y"], {"x": "y"}])
def test_a_prefix_of_a_list_or_dict_raises(value):
    """The message names the field and the prefix to remove."""
    template = UrlTemplate.compile("{a:3}")
    for expand in (
        lambda: template.expand({"a": value}),
        lambda: template.expand_columns({"a": ["x", value]}, 2),
    ):
        with pytest.raises(TemplateError, match=r"field 'a' to 3 characters, .* remove ':3'"):
            expand()


@pytest.mark.parametrize("text", ["{a}", "{+a}", "{?a}"])
@pytest.mark.parametrize("value", ["x\udc80secret", ["x", "\udc80"], {"\udc80": "secret"}])
def test_a_lone_surrogate_raises_and_shows_no_value(text, value):
    """The message names only the field."""
    template = UrlTemplate.compile(text)
    columns = {"a": ["x", value]}
    for expand in (lambda: template.expand({"a": value}), lambda: template.expand_columns(columns, 2)):
        with pytest.raises(PlanError, match=r"field 'a' .* U\+DC80") as caught:
            expand()
        assert "secret" not in str(caught.value)
