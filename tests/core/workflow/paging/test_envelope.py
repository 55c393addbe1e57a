"""The envelope: which list of a payload holds the records, and where their total is."""

from __future__ import annotations

import pytest

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.json_path import find_count
from pandas_async_io._core.models import Page, Request, Response
from pandas_async_io._core.workflow.paging.envelope import find_record_path, find_total_path, page_records


def page(payload, headers=None):
    return Page(Request("http://e.com/"), Response(200, headers or {}, b"", ""), payload)


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
def test_the_total_is_found_under_its_usual_names(payload, headers, expected):
    """At the top, in envelopes and in headers; a plain ``count`` is used last."""
    answer = page(payload, headers)
    assert find_count(answer, find_total_path(answer, ("results",))) == expected


def test_a_lower_bound_is_a_total_only_where_it_is_allowed():
    """Elasticsearch counts to 10 000 and no further."""
    answer = page({"hits": {"total": {"value": 10_000, "relation": "gte"}, "hits": []}})
    assert find_total_path(answer, ("hits", "hits")) is None
    assert find_total_path(answer, ("hits", "hits"), allow_minimum=True) == ("hits", "total", "value")


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
def test_the_record_path_leads_to_the_list_of_records(payload, expected):
    """The only list of objects, or the one with a usual name; an object without such a list is a record."""
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
def test_a_payload_with_several_lists_raises_an_error(payload):
    """The message lists the keys that hold lists."""
    with pytest.raises(PlanError, match=r"Lists are in '.*pass record_path=") as caught:
        find_record_path(payload)
    assert all(repr(key) in str(caught.value) for key, value in payload.items() if isinstance(value, list))


@pytest.mark.parametrize(
    ("payload", "first"),
    [
        ({"notices": [], "alerts": [], "orders": [{"x": 1}], "customers": [{"y": 1}, {"y": 2}]}, "customers"),
        ({"tags": ["a", "b"], "orders": [{"x": 1}], "customers": []}, "orders"),
        ({"notices": [], "tags": [], "numbers": []}, "notices"),
    ],
)
def test_the_likeliest_list_is_proposed_first(payload, first):
    """Lists of objects before empty ones and lists of texts, the longest first."""
    with pytest.raises(PlanError, match=rf"Lists are in '{first}'.*pass record_path='{first}'"):
        find_record_path(payload)


def test_a_page_is_a_slice_of_the_first_list_on_the_path():
    """Deeper lists belong to a record."""
    payload = {"data": {"orders": [{"items": [1, 2, 3]}]}}
    assert page_records(payload, ("data", "orders", "items")) == [{"items": [1, 2, 3]}]
    assert page_records({"data": None}, ("data",)) == []
    assert page_records({"id": 1}, ()) == [{"id": 1}]
