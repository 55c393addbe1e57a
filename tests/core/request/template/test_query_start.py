"""The query of a URL begins at one question mark, whatever the values are."""

from urllib.parse import parse_qsl, urlsplit

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pandas_async_io as paio
from pandas_async_io._core.request.request_template import compile_request_template
from pandas_async_io._core.request.rows.expand import expand
from pandas_async_io._core.request.template.query_start import mark_query
from pandas_async_io._core.request.template.url_template import UrlTemplate
from tests.servers.scripted import http_response, serve_script

HOST = "https://e.com"


def url_of(template, params=None, **values):
    """Return the URL of one row without its host, or why it is not sent."""
    frame = pd.DataFrame({name: pd.Series([value], dtype=object) for name, value in values.items()})
    made = expand(frame, compile_request_template(HOST + template, params=params))
    return made.urls[0].removeprefix(HOST) if made.urls else made.unsafe[0]


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        ("/x{+p}?q=1", {"p": "/a"}, "/x/a?q=1"),
        ("/x{+p}?q=1", {"p": "/a?b=2"}, "/x/a?b=2&q=1"),
        ("/x{+p}?q=1", {"p": "/a#top"}, "/x/a?q=1"),
        ("/x{+p}?q=1", {"p": "/a?b=2#top"}, "/x/a?b=2&q=1"),
        ("/x{+p}?q=1", {"p": "/a#top?b=2"}, "/x/a?q=1"),
        ("/x{+p}{?b}", {"p": "/a?c=3", "b": "1"}, "/x/a?c=3&b=1"),
        ("/x{+p}{?b}", {"p": "/a#top", "b": "1"}, "/x/a?b=1"),
        ("/x{+p}{&b}", {"p": "/a", "b": "1"}, "/x/a?b=1"),
        ("/x{+p}", {"p": "/a#top"}, "/x/a"),
        ("/x{+p,r}?q=1", {"p": "/a", "r": "b?c=3"}, "/x/a,b?c=3&q=1"),
        ("/x?next={+p}&q=1", {"p": "/a?b=2#top"}, "/x?next=/a?b=2&q=1"),
        ("/x?next={+p}{&q}", {"p": "/a#top", "q": "1"}, "/x?next=/a&q=1"),
        ("/x{?a}{&b}", {"a": None, "b": "1"}, "/x?b=1"),
        ("/x{?a}{&b}", {"a": "2", "b": "1"}, "/x?a=2&b=1"),
        ("/x{?a}{&b}", {"a": "2", "b": None}, "/x?a=2"),
        ("/x{&a}{&b}", {"a": None, "b": "1"}, "/x?b=1"),
        ("/x{?a}{?b}", {"a": "2", "b": "1"}, "/x?a=2&b=1"),
        ("/x{?a}&r={b}", {"a": None, "b": "1"}, "/x?r=1"),
        ("/x{?a}?r={b}", {"a": "2", "b": "1"}, "/x?a=2&r=1"),
        ("/R&D/{b}{?a}{&c}", {"a": None, "b": "1", "c": "3"}, "/R&D/1?c=3"),
        ("/x{?a*}{&b}", {"a": ["1", "2"], "b": None}, "/x?a=1&a=2"),
    ],
)
def test_the_first_part_of_a_query_has_the_question_mark(template, values, expected):
    """A part that is left out, and a ``?`` or ``#`` in a reserved expansion, move the others."""
    assert url_of(template, **values) == expected


@pytest.mark.parametrize("template", ["/x{+p}", "/x{+p}?b=2", "/x{+p}{?c}", "/x{&c}{+p}"])
@pytest.mark.parametrize("value", ["a", "/a?d=4", "/a#top", "/a?d=4#top", "#", "?", "a#b?c"])
def test_security_s3_params_arrive_whatever_a_reserved_expansion_holds(template, value):
    """``params=`` is a part of each request's query."""
    query = urlsplit(url_of(template, {"key": "1", "q": "{p}"}, p=value, c=None)).query
    assert {("key", "1"), ("q", value)} <= set(parse_qsl(query, keep_blank_values=True))


@pytest.mark.parametrize(
    "template", ["/{+p}/edit", "/{+p}/edit?q=1", "/{+p}-{c}", "/{+p}{/c}{?q}", "/{+p,c}", "/{+p}.json"]
)
@pytest.mark.parametrize("value", ["a?b", "a#b"])
def test_security_s3_a_value_that_cuts_off_the_path_is_not_sent(template, value):
    """``DELETE /{+p}/edit`` would become ``DELETE /a``."""
    assert "{+p} holds '?' or '#'" in url_of(template, p=value, c="1", q="1")
    assert url_of(template, p="a/b", c="1", q="1").startswith("/a/b")


@pytest.mark.parametrize(
    "text", ["/x", "/{a}", "/x?a={a}", "/{a}{?b,c}", "/x?a=1{&b}{&c}", "/{;a}{?b}", "/x?a={a}&b={b}"]
)
def test_a_template_whose_query_is_in_order_needs_no_marks(text):
    """Its expansion stays as fast as it is."""
    assert mark_query(UrlTemplate.compile(HOST + text)) is None


PARTS = ["{?a}", "{&a}", "{&b}", "{?b,c}", "{&c*}", "&d={b}"]
CELL = st.sampled_from([None, "", "1", "x&y=2", "p?q", "#r"])


@given(
    st.sampled_from(PARTS[:-1]),
    st.lists(st.sampled_from(PARTS), max_size=3),
    st.booleans(),
    CELL,
    CELL,
    CELL,
    CELL.filter(bool),
)
def test_every_defined_part_of_a_query_is_a_parameter(first, further, has_params, a, b, c, p):
    """In any order of expressions, with and without a reserved expansion, no parameter is lost or joined to another."""
    parts = [part for part in [first, *further] if not part.startswith("&") or b is not None]
    values = {"a": a, "b": b, "c": c, "p": p, "k": "k"}
    template = "/{k}{+p}" + "".join(parts)
    params = {"key": "1"} if has_params else None
    found = parse_qsl(urlsplit(HOST + url_of(template, params, **values)).query, keep_blank_values=True)
    wanted = [("key", "1")] if has_params else []
    for part in parts:
        names = part.strip("{}?&*").split(",") if part.startswith("{") else ["d"]
        wanted += [(name, values[name if name != "d" else "b"]) for name in names]
    expected = sorted(pair for pair in wanted if pair[1] is not None)
    own = parse_qsl(p.partition("#")[0].partition("?")[2], keep_blank_values=True)
    assert sorted(found) == sorted(expected + own)


def test_a_server_gets_the_params_of_every_row():
    """End to end, with the client's key in the query."""
    with serve_script(http_response(b'{"a": 1}')) as server:
        client = paio.Client(server.url, auth=paio.ApiKey("s3cret-key", param="key"))
        frame = pd.DataFrame({"p": ["a", "b?c=1", "d#top"], "n": [None, None, "2"]})
        frame.aio.fetch("/{+p}{?n}{&n}", params={"q": "1"}, client=client, progress=False)
    lines = sorted(request.line.split()[1] for request in server.requests)
    assert lines == ["/a?key=s3cret-key&q=1", "/b?c=1&key=s3cret-key&q=1", "/d?key=s3cret-key&q=1&n=2&n=2"]
