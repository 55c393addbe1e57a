"""`NextUrl`: links with a method and a body."""

from __future__ import annotations

from pandas_async_io._core.request.query import parse_json_body
from pandas_async_io._core.workflow.paging.paginators.next_url import NextUrl
from pandas_async_io._core.workflow.paging.paginators.paginators import next_request
from tests.core.workflow.paging.extracted_pages import extracted


def test_a_stac_link_may_hold_the_body_of_the_next_request():
    """The link's body is merged or replaces the request's; no link turns a GET into a POST."""
    link = {"rel": "next", "href": "/search", "method": "POST", "body": {"token": "x"}, "merge": True}
    found = next_request(NextUrl("links"), extracted({"links": [link]}, body=b'{"limit":10}'))
    assert (found.method, parse_json_body(found)) == ("POST", {"limit": 10, "token": "x"})
    found = next_request(NextUrl("links"), extracted({"links": [{**link, "merge": False}]}, body=b'{"limit":10}'))
    assert parse_json_body(found) == {"token": "x"}
    found = next_request(NextUrl("links"), extracted({"links": [{**link, "method": "GET"}]}, body=b'{"limit":10}'))
    assert (found.method, found.body) == ("GET", None)
    found = next_request(NextUrl("links"), extracted({"links": [link]}))
    assert (found.method, found.body) == ("GET", None)
