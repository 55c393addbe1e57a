"""The endpoints that fail, refuse, delay, echo, redirect, or send bodies that are hard to decode."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import sys
import time
import zlib

import aiohttp
import pytest

from pandas_async_io.demo import data, serve
from tests.demo.client import send


def test_flaky_fails_the_first_requests_of_a_key(base_url):
    """Each key has its own counter."""
    responses = [send(base_url, "/flaky/a?fail=2&status=502") for _ in range(3)]
    assert [response.status for response in responses] == [502, 502, 200]
    assert responses[-1].json == {"key": "a", "tries": 3}
    assert send(base_url, "/flaky/b").status == 503
    assert send(base_url, "/flaky/c?fail=0").status == 200


def test_broken_always_fails_one_key_of_twenty(base_url):
    """Whole numbers divisible by 20 are a 500 every time."""
    broken = [key for key in range(1, 61) if send(base_url, f"/broken/{key}").status == 500]
    assert broken == [20, 40, 60]
    assert send(base_url, "/broken/20").json["error"]["message"] == "20 is broken"
    assert send(base_url, "/broken/x").json == {"key": "x"}


def test_limited_refuses_the_second_of_two_immediate_requests(base_url):
    """There is no burst: within 1/rate seconds every key of that rate gets 429 and Retry-After."""
    assert send(base_url, "/limited/a?rate=0.01").json == {"key": "a"}
    refused = send(base_url, "/limited/b?rate=0.01")
    assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    assert refused.json["error"]["message"]
    assert send(base_url, "/limited/b?rate=0.02").status == 200


def test_limited_accepts_again_after_the_interval():
    """Three accepted requests span two intervals; refused ones do not extend them."""
    with serve() as sample_api:
        start = time.monotonic()
        while sum(request.status == 200 for request in sample_api.log) < 3:
            send(sample_api, "/limited/a?rate=100")
        assert time.monotonic() - start > 2 / 100


@pytest.mark.parametrize(
    "target",
    [
        "/posts?_page=0",
        "/posts?_limit=x",
        "/posts?_limit=" + "9" * 5000,
        "/flaky/a?status=200",
        "/limited/a?rate=0",
        "/limited/a?rate=nan",
        "/slow/a?ms=-1",
        "/redirect-to",
        "/redirect-to?url=/x&status=200",
        "/redirect-to?url=/x%0d%0aA:b",
    ],
)
def test_a_parameter_out_of_bounds_is_a_400(base_url, target):
    """The message names the parameter."""
    response = send(base_url, target)
    assert response.status == 400
    assert re.search("_page|_limit|status|rate|ms|url", response.json["error"]["message"])


def test_slow_responds_after_its_latency(base_url):
    """The response repeats the latency."""
    assert send(base_url, "/slow/a?ms=1").json == {"key": "a", "ms": 1}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_echo_returns_the_request_as_received(base_url, method):
    """Method, undecoded target, decoded pairs, headers and body."""
    target = "/echo/a%2Fb/%7E/./x?q=a%20b&q=%C3%A9+&empty="
    echo = send(base_url, target, method, "é".encode(), {"X-Mine": "yes", "X-Bad": b"\xe9"}).json
    assert (echo["method"], echo["path"], echo["body"]) == (method, target, "é")
    assert echo["query"] == [["q", "a b"], ["q", "é "], ["empty", ""]]
    assert (echo["headers"]["X-Mine"], echo["headers"]["X-Bad"]) == ("yes", "\N{REPLACEMENT CHARACTER}")


@pytest.mark.parametrize(
    ("kind", "coding", "decode"), [("gzip", "gzip", gzip.decompress), ("deflate", "deflate", zlib.decompress)]
)
def test_compressed_bodies_hold_ten_posts(base_url, kind, coding, decode):
    """Content-Encoding names the coding; decoding returns the posts."""
    response = send(base_url, f"/bytes/{kind}")
    assert response.headers["Content-Encoding"] == coding
    assert json.loads(decode(response.body)) == [data.post(n) for n in range(1, 11)]


def test_brotli_bodies_hold_ten_posts(base_url):
    """With brotli installed, `br` is one of the codings."""
    brotli = pytest.importorskip("brotli")
    response = send(base_url, "/bytes/br")
    assert response.headers["Content-Encoding"] == "br"
    assert json.loads(brotli.decompress(response.body))[0] == data.post(1)


def test_brotli_bodies_are_a_404_without_brotli(base_url, monkeypatch):
    """The server has no such body."""
    monkeypatch.setitem(sys.modules, "brotli", None)
    assert send(base_url, "/bytes/br").status == 404


def test_the_truncated_body_has_a_correct_length_and_no_gzip_trailer(base_url):
    """Content-Length is right, the data decodes, and the gzip stream does not end."""
    response = send(base_url, "/bytes/truncated-gzip")
    assert int(response.headers["Content-Length"]) == len(response.body)
    unpacker = zlib.decompressobj(wbits=31)
    assert unpacker.decompress(response.body).startswith(b'[{"userId":1')
    assert not unpacker.eof


@pytest.mark.slow
def test_the_bomb_decodes_to_two_hundred_megabytes(base_url):
    """It is one gzip stream of zeros, below 300 kB on the wire."""
    response = send(base_url, "/bytes/bomb")
    assert response.headers["Content-Encoding"] == "gzip"
    assert len(response.body) < 300_000
    unpacker, rest, size = zlib.decompressobj(wbits=31), response.body, 0
    while not unpacker.eof:
        size += len(unpacker.decompress(rest, 1_000_000))
        rest = unpacker.unconsumed_tail
    assert size == 200_000_000


@pytest.mark.parametrize(
    ("kind", "status", "body", "media_type"),
    [
        ("empty", 200, b"", "application/json"),
        ("no-content", 204, b"", None),
        ("null", 200, b"null", "application/json"),
        ("list", 200, b'[{"id":1},{"id":2}]', "application/json"),
        ("scalar", 200, b"42", "application/json"),
        ("invalid", 200, b'{"a": ', "application/json"),
        ("bom", 200, b'\xef\xbb\xbf{"id":1}', "application/json"),
        ("latin1", 200, b'{"name":"Jos\xe9"}', "application/json; charset=iso-8859-1"),
        ("nan", 200, b'{"value":NaN}', "application/json"),
    ],
)
def test_bodies_that_are_hard_to_decode_are_sent_unchanged(base_url, kind, status, body, media_type):
    """Each decoding case is one body with its headers."""
    response = send(base_url, f"/bytes/{kind}")
    assert (response.status, response.body) == (status, body)
    assert media_type in {None, response.headers["Content-Type"]}


def test_the_login_page_is_html_with_a_200(base_url):
    """An intercepting proxy responds like this."""
    response = send(base_url, "/bytes/html")
    assert (response.status, response.headers["Content-Type"]) == (200, "text/html")
    assert response.body.startswith(b"<!doctype html>")
    assert send(base_url, "/bytes/unheard-of").status == 404


def test_a_redirect_chain_ends_at_a_user():
    """Three relative redirects, then the first user; the server logs all four."""

    async def follow(url):
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return await response.json()

    with serve() as sample_api:
        assert asyncio.run(follow(f"{sample_api}/redirect/3")) == data.user(1)
        assert [(request.path_qs, request.status) for request in sample_api.log] == [
            ("/redirect/3", 302),
            ("/redirect/2", 302),
            ("/redirect/1", 302),
            ("/users/1", 200),
        ]


@pytest.mark.parametrize(
    ("target", "status", "location"),
    [
        ("/redirect-loop", 302, "/redirect-loop"),
        ("/redirect-to?url=http%3A%2F%2Fexample.com%2F%3Fa%3D1&status=307", 307, "http://example.com/?a=1"),
        ("/redirect-to?url=//example.com", 302, "//example.com"),
        ("/redirect-nowhere", 302, None),
        ("/redirect/0", 404, None),
        ("/redirect/x", 404, None),
    ],
)
def test_redirects_have_the_requested_location(base_url, target, status, location):
    """A loop, any URL, or no Location."""
    response = send(base_url, target)
    assert (response.status, response.headers["Location"]) == (status, location)
