"""Kept connections: which are used again, with one parser for many responses."""

from __future__ import annotations

import pytest

from pandas_async_io._core.models import Request
from pandas_async_io._io.transport.connection import TransportOptions
from tests.io.transport.sending import open_transport
from tests.servers.scripted import PATIENCE, http_response, serve_script


def _send_all(server, *methods):
    """Send requests one after the other; return the bodies and how many connections were opened."""
    with open_transport(TransportOptions()) as (runner, transport):
        responses = [
            runner.run(transport.send(Request(f"{server.url}/x", method), timeout=PATIENCE)) for method in methods
        ]
    return [response.body for response in responses], server.connections


def test_a_head_request_changes_how_the_next_responses_are_read():
    """The length that it announces is of no body; the responses before and after it have one."""
    answers = (http_response(b"[1]"), http_response(length=9, body=b""), http_response(b"[3]"))
    with serve_script(*answers) as server:
        assert _send_all(server, "GET", "HEAD", "GET") == ([b"[1]", b"", b"[3]"], 1)


@pytest.mark.parametrize("begun", [b"H", b"HTTP/1.1 200 OK\r\nX: "], ids=["a character", "a head"])
def test_fault_73_a_connection_on_which_another_response_has_begun_is_not_used_again(begun):
    """Its rest would become the response to the next request."""
    with serve_script(http_response(b"[1]") + begun, http_response(b"[2]")) as server:
        assert _send_all(server, "GET", "GET") == ([b"[1]", b"[2]"], 2)
