"""The sample API: every endpoint asked over TCP, what the server counts, and what it leaves behind."""

from __future__ import annotations

import asyncio
import gc
import gzip
import http.client
import json
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
import pytest

from pandas_async_io.demo import data, serve


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


def ask(base_url, target, method="GET", body=None, headers=None):
    """Send one request on a connection of its own; follows nothing, decodes nothing."""
    with closing(http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=30)) as connection:
        connection.request(method, target, body, headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())


def links(answer):
    """Return the Link header as rel → URL."""
    return {rel: url for url, rel in re.findall(r'<([^>]*)>; rel="(\w+)"', answer.headers["Link"])}


@pytest.fixture(scope="module")
def base_url():
    with serve() as served:
        yield served


def test_a_user_is_a_nested_record_that_follows_from_id_and_seed(base_url):
    """A user is answered as JSON, nested, equal to what the data module makes of its id."""
    answer = ask(base_url, "/users/1")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json == data.user(1)
    assert {type(answer.json["address"]["geo"][axis]) for axis in ("lat", "lng")} == {float}
    assert 240 < len(answer.body) < 330
    with serve(seed=7) as other:
        assert ask(other, "/users/1").json == data.user(1, seed=7) != data.user(1)


@pytest.mark.parametrize(
    "target", ["/users/0", "/users/1001", "/users/x", "/users/01", "/users/1.0", "/posts/101", "/nowhere"]
)
def test_what_is_not_there_is_a_404_with_a_json_message(base_url, target):
    """An unknown id or path is a 404 whose body says so as JSON."""
    answer = ask(base_url, target)
    assert answer.status == 404
    assert answer.json["error"]["message"]


def test_a_method_that_an_endpoint_does_not_have_is_a_405_that_names_the_others(base_url):
    """The error keeps its Allow header."""
    answer = ask(base_url, "/users/1", "DELETE")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")
    assert answer.json["error"]["message"]


@pytest.mark.parametrize("query", ["ids=3&ids=1&ids=9999", "ids=3,1,9999", "ids=3,1&ids=1", "ids=,3,,1"])
def test_users_are_listed_by_their_ids(base_url, query):
    """Both spellings of a list answer its known users once, in the order asked."""
    assert [user["id"] for user in ask(base_url, f"/users?{query}").json] == [3, 1]


def test_posts_come_in_pages_of_ten(base_url):
    """A page of posts says how many there are and where its neighbours live."""
    answer = ask(base_url, "/posts?_page=2")
    assert [post["id"] for post in answer.json] == list(range(11, 21))
    assert set(answer.json[0]) == {"userId", "id", "title", "body"}
    assert answer.headers["X-Total-Count"] == "100"
    assert links(answer) == {
        rel: f"{base_url}/posts?_page={number}"
        for rel, number in [("first", 1), ("prev", 1), ("next", 3), ("last", 10)]
    }


@pytest.mark.parametrize(
    ("page", "rels", "length"),
    [
        (1, {"first", "next", "last"}, 30),
        (4, {"first", "prev", "last"}, 10),
        (9, {"first", "prev", "last"}, 0),
    ],
)
def test_first_and_last_page_lack_a_neighbour_and_beyond_is_empty(base_url, page, rels, length):
    """The ends have no prev or next; a page past the end is an empty list."""
    answer = ask(base_url, f"/posts?_page={page}&_limit=30")
    assert len(answer.json) == length
    assert set(links(answer)) == rels


def test_following_next_keeps_the_other_parameters_and_meets_every_post_of_the_user_once(base_url):
    """The links carry the filter and the page size along, percent-encoded as they must be."""
    url, ids = f"{base_url}/posts?userId=3&_limit=4&note=a%26b%3E", []
    while url:
        answer = ask(base_url, url.removeprefix(base_url))
        ids += [post["id"] for post in answer.json]
        url = links(answer).get("next")
        assert url is None or "note=a%26b%3E" in url
    assert ids == list(range(21, 31))
    assert answer.headers["X-Total-Count"] == "10"


@pytest.mark.parametrize(("token", "status"), [("fresh", 200), ("expired", 401)])
def test_who_has_the_token_gets_private_things(base_url, token, status):
    """Any other is told that it has expired."""
    reply = ask(base_url, "/private/1", headers={"Authorization": f"Bearer {token}"})
    assert reply.status == status


def test_users_come_in_pages_too(base_url):
    """Without ids the users are paged."""
    answer = ask(base_url, "/users?_page=10&_limit=100")
    assert [user["id"] for user in answer.json] == list(range(901, 1001))
    assert "next" not in links(answer)


@pytest.mark.parametrize(("user_id", "count"), [("1", 10), ("10", 10), ("11", 0), ("x", 0)])
def test_the_posts_of_a_user_are_a_list_that_may_be_empty(base_url, user_id, count):
    """Ten for each of the first ten users, none for the others."""
    posts = ask(base_url, f"/users/{user_id}/posts").json
    assert [str(post["userId"]) for post in posts] == [user_id] * count


def test_a_post_is_found_by_its_id(base_url):
    """A single post is the record that the list holds."""
    assert ask(base_url, "/posts/11").json == data.post(11) == ask(base_url, "/posts?_page=2").json[0]


def test_search_looks_into_names_and_cities_whatever_the_case(base_url):
    """The items hold the text in name or city, the count is of all of them, limit cuts the items."""
    found = ask(base_url, "/search?q=Z%C3%9CRICH").json["data"]
    assert found["count"] == len(found["items"]) > 50
    assert {user["address"]["city"] for user in found["items"]} == {"Zürich"}
    assert "Ada" in ask(base_url, "/search?q=ada").json["data"]["items"][0]["name"]
    cut = ask(base_url, "/search?q=z%C3%BCrich&limit=2").json["data"]
    assert cut == {"items": found["items"][:2], "count": found["count"]}
    assert ask(base_url, "/search?q=nobody").json == {"data": {"items": [], "count": 0}}


def test_flaky_fails_a_key_as_often_as_asked_and_then_answers(base_url):
    """Each key counts its own tries."""
    answers = [ask(base_url, "/flaky/a?fail=2&status=502") for _ in range(3)]
    assert [answer.status for answer in answers] == [502, 502, 200]
    assert answers[-1].json == {"key": "a", "tries": 3}
    assert ask(base_url, "/flaky/b").status == 503
    assert ask(base_url, "/flaky/c?fail=0").status == 200


def test_broken_breaks_one_key_of_twenty_for_good(base_url):
    """Whole numbers divisible by 20 are a 500 every time, all others are fine."""
    broken = [key for key in range(1, 61) if ask(base_url, f"/broken/{key}").status == 500]
    assert broken == [20, 40, 60]
    assert ask(base_url, "/broken/20").json["error"]["message"] == "20 is broken"
    assert ask(base_url, "/broken/x").json == {"key": "x"}


def test_limited_refuses_the_second_of_two_immediate_requests(base_url):
    """There is no burst: within 1/rate seconds any key of that rate gets 429 and Retry-After."""
    assert ask(base_url, "/limited/a?rate=0.01").json == {"key": "a"}
    refused = ask(base_url, "/limited/b?rate=0.01")
    assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    assert refused.json["error"]["message"]
    assert ask(base_url, "/limited/b?rate=0.02").status == 200


def test_limited_accepts_again_after_the_interval():
    """Three accepted requests span two intervals, and a refused one does not close the bucket for good."""
    with serve() as served:
        start = time.monotonic()
        while sum(seen.status == 200 for seen in served.log) < 3:
            ask(served, "/limited/a?rate=100")
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
    """A wrong parameter is the client's fault, and the message says which."""
    answer = ask(base_url, target)
    assert answer.status == 400
    assert re.search("_page|_limit|status|rate|ms|url", answer.json["error"]["message"])


def test_slow_answers_when_its_time_has_come(base_url):
    """The latency is part of the answer."""
    assert ask(base_url, "/slow/a?ms=1").json == {"key": "a", "ms": 1}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_echo_answers_what_arrived_and_how_it_was_written(base_url, method):
    """Method, undecoded target, decoded pairs, headers and body come back."""
    target = "/echo/a%2Fb/%7E/./x?q=a%20b&q=%C3%A9+&empty="
    echo = ask(base_url, target, method, "é".encode(), {"X-Mine": "yes", "X-Bad": b"\xe9"}).json
    assert (echo["method"], echo["path"], echo["body"]) == (method, target, "é")
    assert echo["query"] == [["q", "a b"], ["q", "é "], ["empty", ""]]
    assert (echo["headers"]["X-Mine"], echo["headers"]["X-Bad"]) == ("yes", "\N{REPLACEMENT CHARACTER}")


def test_a_new_user_gets_an_id_and_is_not_kept():
    """POST answers the object with the next free id; what is no JSON object is a 400."""
    with serve() as served:
        first, second = (ask(served, "/users", "POST", b'{"name":"A","id":5}') for _ in range(2))
        assert (first.status, first.json) == (201, {"name": "A", "id": 1001})
        assert second.json["id"] == 1002
        assert ask(served, "/users/1001").status == 404
        assert [ask(served, "/users", "POST", body).status for body in (b"{", b"[1]", b"")] == [400] * 3


@pytest.mark.parametrize(
    ("kind", "coding", "decode"), [("gzip", "gzip", gzip.decompress), ("deflate", "deflate", zlib.decompress)]
)
def test_compressed_bodies_hold_ten_posts(base_url, kind, coding, decode):
    """The content coding is named, and undoing it gives the posts."""
    answer = ask(base_url, f"/bytes/{kind}")
    assert answer.headers["Content-Encoding"] == coding
    assert json.loads(decode(answer.body)) == [data.post(n) for n in range(1, 11)]


def test_brotli_bodies_hold_ten_posts(base_url):
    """Where brotli is installed, br is one of the codings."""
    brotli = pytest.importorskip("brotli")
    answer = ask(base_url, "/bytes/br")
    assert answer.headers["Content-Encoding"] == "br"
    assert json.loads(brotli.decompress(answer.body))[0] == data.post(1)


def test_brotli_bodies_are_a_404_without_brotli(base_url, monkeypatch):
    """A server without the library says so."""
    monkeypatch.setitem(sys.modules, "brotli", None)
    assert ask(base_url, "/bytes/br").status == 404


def test_the_truncated_body_is_well_framed_and_badly_ended(base_url):
    """Content-Length is right, what is there decodes, and the gzip stream has no end."""
    answer = ask(base_url, "/bytes/truncated-gzip")
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    unpacker = zlib.decompressobj(wbits=31)
    assert unpacker.decompress(answer.body).startswith(b'[{"userId":1')
    assert not unpacker.eof


def test_the_bomb_is_small_on_the_wire_and_two_hundred_megabytes_unpacked(base_url):
    """One gzip stream of zeros that a bounded decoder must stop."""
    answer = ask(base_url, "/bytes/bomb")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.body) < 300_000
    unpacker, rest, size = zlib.decompressobj(wbits=31), answer.body, 0
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
def test_odd_bodies_come_as_they_are(base_url, kind, status, body, media_type):
    """Each case of decoding is one body with the headers that belong to it."""
    answer = ask(base_url, f"/bytes/{kind}")
    assert (answer.status, answer.body) == (status, body)
    assert media_type in {None, answer.headers["Content-Type"]}


def test_the_login_page_is_html_with_a_200(base_url):
    """What a proxy in the way answers looks like success."""
    answer = ask(base_url, "/bytes/html")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html")
    assert answer.body.startswith(b"<!doctype html>")
    assert ask(base_url, "/bytes/unheard-of").status == 404


def test_a_redirect_chain_has_its_hops_and_ends_at_a_user():
    """Three relative redirects, then the first user, all of it seen by the server."""

    async def follow(url):
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return await response.json()

    with serve() as served:
        assert asyncio.run(follow(f"{served}/redirect/3")) == data.user(1)
        assert [(seen.path_qs, seen.status) for seen in served.log] == [
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
def test_redirects_go_where_they_are_told(base_url, target, status, location):
    """Round in a circle, to any URL, or with no place to go."""
    answer = ask(base_url, target)
    assert (answer.status, answer.headers["Location"]) == (status, location)


def test_the_log_holds_every_request_in_order_of_arrival():
    """Method, raw target, status and time of each; clear forgets them and counts connections on."""
    with serve() as served:
        ask(served, "/users/1?x=%41")
        ask(served, "/users", "POST", b"{}")
        ask(served, "/nowhere")
        assert [(seen.method, seen.path_qs, seen.status) for seen in served.log] == [
            ("GET", "/users/1?x=%41", 200),
            ("POST", "/users", 201),
            ("GET", "/nowhere", 404),
        ]
        times = [seen.time for seen in served.log]
        assert times == sorted(times)
        served.clear()
        assert (served.log, served.peak, served.connections) == ([], 0, 3)


def test_connections_are_counted_once_however_many_requests_they_carry():
    """Two requests on a kept connection are one connection."""
    with serve() as served:
        with closing(http.client.HTTPConnection(urlsplit(served).netloc)) as connection:
            for _ in range(2):
                connection.request("GET", "/users/1")
                connection.getresponse().read()
        assert (served.connections, len(served.log), served.peak) == (1, 2, 1)


def test_peak_is_the_largest_number_of_requests_in_flight():
    """Eight requests that all wait for the same latency are eight at once."""
    with serve(latency=0.5) as served, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: ask(served, f"/users/{n}"), range(1, 9)))
        assert {answer.status for answer in answers} == {200}
        assert (served.peak, served.in_flight, served.connections) == (8, 0, 8)


def test_latency_delays_every_response():
    """Errors are as late as answers, by the time between two requests of one client."""
    with serve(latency=0.05) as served:
        for _ in range(3):
            ask(served, "/nowhere")
        times = [seen.time for seen in served.log]
    assert all(after - before > 0.04 for before, after in pairwise(times))


def test_two_servers_at_once_count_for_themselves():
    """Each has its own address, counters and log."""
    with serve() as one, serve() as two:
        assert one != two
        assert ask(one, "/flaky/a").status == ask(two, "/flaky/a").status == 503
        assert len(one.log) == len(two.log) == 1


def test_a_taken_port_is_an_error_at_once():
    """The second server on one port raises instead of hiding."""
    with serve() as served, pytest.raises(OSError, match="in use"), serve(port=urlsplit(served).port):
        pytest.fail("two servers on one port")


def test_a_failing_start_leaves_no_thread():
    """What the listener refuses is raised where serve was called."""
    before = threading.active_count()
    with pytest.raises(TypeError, match="SSLContext"), serve(ssl=True):
        pytest.fail("True is no context")
    assert threading.active_count() == before


def test_the_base_url_is_a_loopback_address_and_a_plain_string():
    """It serves as a str everywhere."""
    with serve() as served:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", served)
        assert json.loads(json.dumps([served])) == [served]


def test_serve_works_inside_a_running_loop():
    """A notebook's cell runs in a loop; the server does not care, nor does an await inside."""

    async def cell():
        with serve() as served:
            async with aiohttp.ClientSession() as session, session.get(f"{served}/users/2") as response:
                return await response.json()

    assert asyncio.run(cell()) == data.user(2)


def test_serve_speaks_tls():
    """With a context the base URL is https, the links too, and an idle client does not hold the end up."""
    authority = pytest.importorskip("trustme").CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    before = threading.active_count()
    with serve(ssl=server) as served:
        connection = http.client.HTTPSConnection(urlsplit(served).netloc, context=client)
        connection.request("GET", "/posts")
        response = connection.getresponse()
        assert links(response)["next"] == f"{served}/posts?_page=2"
        response.read()
        assert served.startswith("https://")
        assert served.connections == 1
    connection.close()
    assert threading.active_count() == before


def test_a_client_that_does_not_read_does_not_hold_the_end_up():
    """The server cuts an answer that it cannot deliver, and closes its socket."""
    size = 32_000_000
    with socket.socket() as client:
        client.settimeout(20)
        with serve() as served:
            client.connect(("127.0.0.1", urlsplit(served).port))
            client.sendall(b"POST /echo/ HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size)
            client.sendall(b"x" * size)
            client.recv(1)
        assert sum(map(len, iter(lambda: client.recv(1_000_000), b""))) < size
    gc.collect()


def test_a_closed_server_leaves_nothing_behind():
    """Idle, slow and departed clients: no thread, socket, task, warning or line of log outlives the block."""
    program = """
import gc, http.client, logging, os, socket, threading
from urllib.parse import urlsplit
from pandas_async_io.demo import serve

logging.getLogger("asyncio").setLevel(logging.ERROR)  # a busy machine is no leak
descriptors = lambda: os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []

def client(served, target):
    connection = http.client.HTTPConnection(urlsplit(served).netloc)
    connection.request("GET", target)
    return connection

def run():
    with serve() as served:
        targets = "/users/1", "/slow/1?ms=60000", "/slow/2?ms=60000"
        idle, slow, gone = (client(served, target) for target in targets)
        idle.getresponse().read()
        compressed = client(served, "/bytes/gzip")
        compressed.getresponse().read()
        while len(served.log) < 4:
            pass
        gone.close()
    idle.close(), slow.close(), compressed.close()
    assert sorted(str(seen.status) for seen in served.log) == ["200", "200", "None", "None"], served.log
    try:
        socket.create_connection(("127.0.0.1", urlsplit(served).port)).close()
    except ConnectionRefusedError:
        pass
    else:
        raise AssertionError("still listening")

run()
gc.collect()
before = len(descriptors())
run()
gc.collect()
assert threading.enumerate() == [threading.main_thread()], threading.enumerate()
assert len(descriptors()) == before, descriptors()
print("clean")
"""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("clean\n", "", 0)
