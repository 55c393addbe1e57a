"""Places: paths into payloads, numbers in headers, parameters in queries and bodies, where the records are."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.json_path import find_count, find_value
from pandas_async_io._core.models import Page, Request, Response
from pandas_async_io._core.request.query import get_param, parse_json_body, set_params
from pandas_async_io._core.workflow.paging.envelope import find_record_path, find_total_path, page_records


def page(payload, headers=None):
    return Page(Request("http://e.com/"), Response(200, headers or {}, b"", ""), payload)


@pytest.mark.parametrize(
    ("payload", "path", "expected"),
    [
        ({"a": {"b": 1}}, "a.b", 1),
        ({"a.b": 2, "a": {"b": 1}}, "a.b", 2),
        ({"x": {"@odata.nextLink": "u"}}, "x.@odata.nextLink", "u"),
        ({"a.b": {"c": 3}}, "a.b.c", 3),
        ({"a": {"b": None}}, "a.b", None),
        ({"a": [1]}, "a.b", None),
        ([1], "a", None),
        ({"a.b": 1}, ["a.b"], 1),
        ({"a": {"b": 1}}, ["a.b"], None),
        ({"a": 1}, (), {"a": 1}),
    ],
)
def test_a_path_leads_through_objects(payload, path, expected):
    """Dots part keys unless a key holds them; what is not there is None."""
    assert find_value(payload, path) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(10, 10), ("10", 10), (" 7 ", 7), (True, None), (-1, None), (1.5, None), ("x", None), ("²", None)],
)
def test_a_number_is_whole_and_not_negative(value, expected):
    """In the payload or in a header; anything else is no number."""
    assert find_count(page({"n": value}), "n") == expected
    if isinstance(value, str):
        assert find_count(page([], {"N": value}), "n") == expected


@pytest.mark.parametrize(
    ("payload", "headers", "expected"),
    [
        ({"count": 95, "results": []}, {}, 95),
        ({"count": 10, "total": 95, "results": []}, {}, 95),
        ({"meta": {"total": 95}, "results": []}, {}, 95),
        ({"meta": {"pagination": {"total": 95}}, "results": []}, {}, 95),
        ({"page": {"totalElements": 95}, "results": []}, {}, 95),
        ({"results": []}, {"X-Total-Count": "95"}, 95),
        ({"results": [], "total": {"value": 95}}, {}, 95),
        ({"results": [], "total": {"value": 95, "relation": "gte"}}, {}, None),
        ({"results": [], "total": {"amount": 95}}, {}, None),
        ({"results": [], "total": "95"}, {}, 95),
        ({"results": [], "total": 95.5}, {}, None),
        ({"results": [], "total_rows": 95}, {}, 95),
        ({"results": [], "totalHits": 95}, {}, 95),
        ({"results": [], "recordsTotal": 99, "recordsFiltered": 95}, {}, 95),
        ({"results": [], "recordsTotal": 95}, {}, 95),
        ({"results": [], "numberMatched": 95, "numberReturned": 10}, {}, 95),
        ({"results": [], "hydra:totalItems": 95}, {}, 95),
        ({"results": [], "count": 10, "meta": {"total": 95}}, {}, 95),
        ({"results": [], "count": 10}, {"X-Total-Count": "95"}, 95),
        ({"results": [], "result_info": {"total_count": 95}}, {}, 95),
        ({"results": []}, {"Content-Range": "items 0-9/95"}, 95),
        ({"results": []}, {"Content-Range": "bytes 0-9/95"}, None),
        ({"results": []}, {"Content-Range": "0-9/*"}, None),
        ({"results": []}, {}, None),
    ],
)
def test_the_announced_count_is_found_under_its_usual_names(payload, headers, expected):
    """At the top, in the usual envelopes, in headers; a plain ``count`` counts least."""
    answer = page(payload, headers)
    assert find_count(answer, find_total_path(answer, ("results",))) == expected


def test_a_number_of_at_least_so_many_is_no_total_to_hold_against_an_answer():
    """It does to tell that there are more: Elasticsearch counts to 10 000."""
    answer = page({"hits": {"total": {"value": 10_000, "relation": "gte"}, "hits": []}})
    assert find_total_path(answer, ("hits", "hits")) is None
    assert find_total_path(answer, ("hits", "hits"), least=True) == ("hits", "total", "value")


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ([{"id": 1}], ()),
        (None, ()),
        ("a,b\n1,2", ()),
        ({"data": [{"id": 1}], "included": [{"id": 2}], "links": [{"rel": "next"}]}, ("data",)),
        ({"issues": [{"id": 1}], "warningMessages": ["x"], "startAt": 0}, ("issues",)),
        ({"data": {"users": {"nodes": [], "edges": []}}}, ("data", "users", "nodes")),
        ({"data": {"users": {"edges": [{"node": {"id": 1}}]}}}, ("data", "users", "edges", "node")),
        ({"_embedded": {"orders": [{"id": 1}]}, "_links": {}}, ("_embedded", "orders")),
        ({"hits": {"hits": [{"_id": 1}]}}, ("hits", "hits")),
        ({"type": "FeatureCollection", "features": [{}], "bbox": [1, 2]}, ("features",)),
        ({"results": [], "tags": []}, ("results",)),
        ({"results": None, "count": 0}, ("results",)),
        ({"id": 1, "name": "x"}, ()),
        ({"id": 2, "name": "y", "orders": []}, ()),
        ({"id": 2, "name": "y", "orders": [], "tags": []}, ()),
        ({"user": {"id": 2, "orders": []}, "ok": True}, ()),
        ({"id": 2, "name": "y", "items": []}, ("items",)),
        ({"orders": []}, ("orders",)),
        ({"orders": [], "total": 0, "hasMore": False, "next_cursor": None, "_links": {}}, ("orders",)),
        ({"response": {"orders": []}, "ok": True}, ("response", "orders")),
        ({"result": [], "success": True, "errors": [], "messages": [], "result_info": {"page": 1}}, ("result",)),
        ({"name": "y", "_links": {"self": [{"href": "/1"}], "next": [{"href": "/2"}]}}, ()),
        ({"o": {"orders": [{"id": 1}]}, "links": {"next": [{"href": "/2"}]}}, ("o", "orders")),
        ({"o": {"orders": [{"id": 1}]}, "meta": {"filters": [{"by": "x"}]}}, ("o", "orders")),
        ({"hydra:member": [{"id": 1}], "hydra:search": {"hydra:mapping": [{"variable": "x"}]}}, ("hydra:member",)),
    ],
)
def test_an_answer_is_opened_where_its_records_are(payload, expected):
    """The only list of objects, or the one with a usual name; an object without such a list is a record itself."""
    assert find_record_path(payload) == expected


@pytest.mark.parametrize(
    "payload",
    [
        {"a": [{"x": 1}], "b": [{"y": 1}]},
        {"a": [{"x": 1}], "b": []},
        {"a": [], "b": []},
        {"a": [1, 2], "c": 1},
        {"data": [], "items": []},
    ],
)
def test_an_answer_that_may_be_opened_in_two_ways_is_a_question(payload):
    """The message lists the keys that hold lists."""
    with pytest.raises(PlanError, match=r"Lists are in '.*pass record_path=") as caught:
        find_record_path(payload)
    assert all(repr(key) in str(caught.value) for key, value in payload.items() if isinstance(value, list))


def test_the_pages_are_slices_of_the_first_list_on_the_way():
    """Deeper lists belong to a record."""
    payload = {"data": {"orders": [{"items": [1, 2, 3]}]}}
    assert page_records(payload, ("data", "orders", "items")) == [{"items": [1, 2, 3]}]
    assert page_records({"data": None}, ("data",)) == []
    assert page_records({"id": 1}, ()) == [{"id": 1}]


names = st.text(alphabet="ab&=?# +ü[].", min_size=1, max_size=4)


@given(st.lists(st.tuples(names, names), max_size=4), names, st.one_of(names, st.integers(0, 99)))
def test_a_parameter_is_set_and_the_others_stay(pairs, name, value):
    """The query reads back as before, but for the one that was set, which stands there once."""
    url = "http://e.com/a"
    for key, text in pairs:
        url = set_params(Request(url), {key: text}).url
    asked = set_params(Request(url), {name: value})
    before = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    after = parse_qsl(urlsplit(asked.url).query, keep_blank_values=True)
    assert dict(after) == {**before, name: str(value)}
    assert len(after) == len(dict(after))
    assert get_param(asked, name) == str(value)


def test_a_parameter_in_the_body_is_a_json_value():
    """Objects keep their type, neighbours and large integers stay as they are, what is no object is replaced."""
    request = Request("http://e.com/", "POST", body=b'{"id": 18446744073709551616, "page": 3}')
    asked = set_params(request, {"start": {"k": [1]}, "page.after": "x"}, body=True)
    assert parse_json_body(asked) == {"id": 2**64, "page": {"after": "x"}, "start": {"k": [1]}}
    assert get_param(asked, "page.after", body=True) == "x"
    assert set_params(Request("http://e.com/"), {"key": {"k": 1}}).url == "http://e.com/?key=%7B%22k%22%3A1%7D"


@pytest.mark.parametrize("body", [None, b"a=1", b"[1]", json.dumps("x").encode()])
def test_without_a_json_object_there_is_no_place_in_the_body(body):
    """The message says what to pass."""
    with pytest.raises(ParseError, match="pass json="):
        set_params(Request("http://e.com/", "POST", body=body), {"a": 1}, body=True)
