"""RFC 9111 as a private cache: a table of kept answers, each with the section that decides about it."""

from __future__ import annotations

from email.utils import formatdate
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from pandas_async_io._core.models import Request
from pandas_async_io._core.storage.cache_fields import read_cache_fields
from pandas_async_io._core.storage.freshness import Use, Verdict, asks_not_to_store, find_lifetime, judge_answer

CAME = 1_700_000_000.0
"""When the kept answer came, on our clock; on the server's clock too, unless a case says otherwise."""

IGNORED = frozenset({"user-agent", "x-time", "x-request-id"})


def at(seconds):
    """Return a date some seconds after the answer came."""
    return formatdate(CAME + seconds, usegmt=True)


def judge(answer, age, request=None, *, method="GET", status=200):
    """Judge an answer with some header fields, some seconds after it came."""
    fields = read_cache_fields(CIMultiDict(answer))
    sent = Request("https://e.com/a", method, headers=request or {})
    return judge_answer(sent, status, fields, fetched_at=CAME, now=CAME + age, is_ignored=IGNORED.__contains__)


TAG = ("ETag", '"1"')


def cache_control(*values):
    """Return `Cache-Control` lines, and a validator."""
    return [*(("Cache-Control", value) for value in values), TAG]


@pytest.mark.parametrize(
    ("answer", "age", "use"),
    [
        pytest.param(cache_control("max-age=60"), 59, Use.FRESH, id="4.2-fresh"),
        pytest.param(cache_control("max-age=60"), 60, Use.VALIDATE, id="4.2-stale-when-age-equals-lifetime"),
        pytest.param(cache_control("max-age=0"), 0, Use.VALIDATE, id="4.2-zero-lifetime"),
        pytest.param(cache_control("MAX-AGE=60"), 1, Use.FRESH, id="5.2-names-in-any-case"),
        pytest.param(cache_control('max-age="60"'), 1, Use.FRESH, id="5.2-quoted-seconds"),
        pytest.param(cache_control("max-age = 60"), 1, Use.VALIDATE, id="4.2.1-malformed-is-stale"),
        pytest.param(cache_control("max-age=1.5"), 0, Use.VALIDATE, id="4.2.1-decimals-are-stale"),
        pytest.param(cache_control("max-age=-60"), 0, Use.VALIDATE, id="4.2.1-negative-is-stale"),
        pytest.param(cache_control("max-age"), 0, Use.VALIDATE, id="4.2.1-without-seconds-is-stale"),
        pytest.param(cache_control("max-age=60, max-age=5"), 30, Use.VALIDATE, id="4.2.1-the-least-of-several"),
        pytest.param(cache_control("max-age=60", "max-age=5"), 30, Use.VALIDATE, id="4.2.1-the-least-of-several-lines"),
        pytest.param(cache_control("max-age=99999999999999999999"), 10**9, Use.FRESH, id="1.2.2-many-digits"),
        pytest.param(
            cache_control("unknown=1, max-age=60"), 1, Use.FRESH, id="5.2.3-unknown-directives-are-passed-over"
        ),
        pytest.param(cache_control("s-maxage=60, max-age=5"), 30, Use.VALIDATE, id="5.2.2.10-s-maxage-is-for-shared"),
        pytest.param(cache_control("s-maxage=0, max-age=60"), 30, Use.FRESH, id="5.2.2.10-s-maxage-ends-nothing-here"),
        pytest.param(cache_control("private, max-age=60"), 1, Use.FRESH, id="5.2.2.7-private-is-for-us"),
        pytest.param(cache_control('private="x", max-age=60'), 1, Use.FRESH, id="5.2.2.7-private-fields-too"),
        pytest.param(cache_control("proxy-revalidate, max-age=60"), 1, Use.FRESH, id="5.2.2.8-proxy-revalidate"),
        pytest.param(cache_control("must-revalidate, max-age=60"), 59, Use.FRESH, id="5.2.2.2-must-revalidate-fresh"),
        pytest.param(
            cache_control("must-revalidate, max-age=60"), 61, Use.VALIDATE, id="5.2.2.2-must-revalidate-stale"
        ),
        pytest.param(cache_control("no-cache, max-age=60"), 1, Use.VALIDATE, id="5.2.2.4-no-cache"),
        pytest.param(cache_control('no-cache="x-user", max-age=60'), 1, Use.FRESH, id="5.2.2.4-no-cache-with-fields"),
        pytest.param(cache_control('no-cache="x", no-cache, max-age=9'), 1, Use.VALIDATE, id="5.2.2.4-both-forms"),
        pytest.param(cache_control("no-store"), 0, Use.NONE, id="5.2.2.5-no-store"),
        pytest.param(cache_control("max-age=60, No-Store"), 0, Use.NONE, id="5.2.2.5-no-store-beside-a-lifetime"),
        pytest.param(cache_control("no-store, must-understand, max-age=9"), 1, Use.FRESH, id="5.2.2.3-must-understand"),
        pytest.param([("Expires", at(60)), ("Date", at(0))], 59, Use.FRESH, id="5.3-expires-fresh"),
        pytest.param([("Expires", at(60)), ("Date", at(0))], 60, Use.VALIDATE, id="5.3-expires-stale"),
        pytest.param([("Expires", at(60))], 59, Use.FRESH, id="5.3-expires-without-date-counts-from-arrival"),
        pytest.param([("Expires", "0"), ("Date", at(0))], 0, Use.VALIDATE, id="5.3-no-date-is-expired"),
        pytest.param([("Expires", at(60)), ("Expires", "0")], 1, Use.VALIDATE, id="4.2.1-the-least-of-several-expires"),
        pytest.param(
            [*cache_control("max-age=60"), ("Expires", at(-9))], 1, Use.FRESH, id="5.3-max-age-before-expires"
        ),
        pytest.param([*cache_control("max-age=x"), ("Expires", at(60))], 1, Use.VALIDATE, id="5.3-even-if-invalid"),
        pytest.param([*cache_control("max-age=60"), ("Age", "30")], 29, Use.FRESH, id="5.1-age-fresh"),
        pytest.param([*cache_control("max-age=60"), ("Age", "30")], 30, Use.VALIDATE, id="5.1-age-stale"),
        pytest.param([*cache_control("max-age=60"), ("Age", "-5")], 1, Use.FRESH, id="5.1-an-invalid-age-is-ignored"),
        pytest.param([*cache_control("max-age=60"), ("Age", "0"), ("Age", "90")], 1, Use.FRESH, id="5.1-the-first-age"),
        pytest.param([("Last-Modified", at(-1_000)), ("Date", at(0))], 99, Use.FRESH, id="4.2.2-heuristic-fresh"),
        pytest.param([("Last-Modified", at(-1_000)), ("Date", at(0))], 100, Use.VALIDATE, id="4.2.2-heuristic-stale"),
        pytest.param([("Last-Modified", at(-1_000))], 99, Use.FRESH, id="4.2.2-heuristic-without-date"),
        pytest.param([("Last-Modified", at(50)), ("Date", at(0))], 0, Use.VALIDATE, id="4.2.2-modified-in-the-future"),
        pytest.param([("Last-Modified", at(-(10**9)))], 86_399, Use.FRESH, id="4.2.2-heuristic-for-a-day"),
        pytest.param([("Last-Modified", at(-(10**9)))], 86_400, Use.VALIDATE, id="4.2.2-heuristic-for-no-more"),
        pytest.param([TAG], 0, Use.VALIDATE, id="4.3-a-validator-alone"),
        pytest.param([], 0, Use.NONE, id="3-nothing-to-use-it-by"),
        pytest.param([*cache_control("max-age=60"), ("Vary", "*")], 1, Use.NONE, id="4.1-vary-star"),
        pytest.param(
            [*cache_control("max-age=60"), ("Vary", "Accept, *")], 1, Use.NONE, id="4.1-vary-star-among-others"
        ),
        pytest.param(
            [*cache_control("max-age=60"), ("Vary", "Accept")], 1, Use.FRESH, id="4.1-vary-in-the-fingerprint"
        ),
    ],
)
def test_a_kept_answer(answer, age, use):
    assert judge(answer, age).use is use


@pytest.mark.parametrize(
    ("answer", "request_headers", "age", "use"),
    [
        pytest.param("max-age=60", {"Cache-Control": "no-cache"}, 1, Use.VALIDATE, id="5.2.1.4-no-cache"),
        pytest.param("max-age=60", {"cache-control": "max-age=10"}, 9, Use.FRESH, id="5.2.1.1-max-age-fresh"),
        pytest.param("max-age=60", {"Cache-Control": "max-age=10"}, 10, Use.VALIDATE, id="5.2.1.1-max-age-stale"),
        pytest.param("max-age=60", {"Cache-Control": "max-age=0"}, 0, Use.VALIDATE, id="5.2.1.1-max-age-0"),
        pytest.param("max-age=60", {"Cache-Control": "min-fresh=20"}, 40, Use.FRESH, id="5.2.1.3-min-fresh-enough"),
        pytest.param("max-age=60", {"Cache-Control": "min-fresh=20"}, 41, Use.VALIDATE, id="5.2.1.3-min-fresh-less"),
        pytest.param("max-age=60", {"Cache-Control": "max-stale=9"}, 68, Use.FRESH, id="5.2.1.2-max-stale-within"),
        pytest.param("max-age=60", {"Cache-Control": "max-stale=9"}, 69, Use.VALIDATE, id="5.2.1.2-max-stale-beyond"),
        pytest.param(
            "max-age=60", {"Cache-Control": "max-stale"}, 10**6, Use.FRESH, id="5.2.1.2-max-stale-without-end"
        ),
        pytest.param(
            "max-age=60, must-revalidate", {"Cache-Control": "max-stale"}, 61, Use.VALIDATE, id="4.2.4-must-revalidate"
        ),
        pytest.param("no-cache", {"Cache-Control": "max-stale"}, 1, Use.VALIDATE, id="4.2.4-no-cache"),
        pytest.param("max-age=60", {"Cache-Control": "no-store"}, 1, Use.FRESH, id="5.2.1.5-no-store-may-be-answered"),
        pytest.param("max-age=60", {"Range": "bytes=0-9"}, 1, Use.NONE, id="3.3-a-part-is-wanted"),
        pytest.param("max-age=60", {"if-none-match": '"0"'}, 1, Use.NONE, id="4.3.2-a-condition-of-the-caller"),
    ],
)
def test_a_request_that_says_what_it_takes(answer, request_headers, age, use):
    assert judge(cache_control(answer), age, request_headers).use is use


@pytest.mark.parametrize(
    ("method", "status", "answer", "use"),
    [
        pytest.param("HEAD", 200, "max-age=60", Use.FRESH, id="3-HEAD"),
        pytest.param("POST", 200, "max-age=60", Use.NONE, id="9110-9.3.3-POST"),
        pytest.param("OPTIONS", 200, "max-age=60", Use.NONE, id="9110-9.3.7-OPTIONS"),
        pytest.param("GET", 204, "max-age=60", Use.FRESH, id="9110-15.3.5-204"),
        pytest.param("GET", 206, "max-age=60", Use.NONE, id="3.3-206"),
        pytest.param("GET", 201, "max-age=60", Use.FRESH, id="3-201-with-a-lifetime"),
        pytest.param("GET", 201, "private", Use.VALIDATE, id="3-201-that-is-private"),
        pytest.param("GET", 201, "", Use.NONE, id="9110-15.1-201-has-no-heuristic"),
        pytest.param("GET", 404, "max-age=60", Use.FRESH, id="9110-15.5.5-404-taken-for-no-records"),
        pytest.param("GET", 400, "max-age=60", Use.NONE, id="9110-15.1-400"),
        pytest.param("GET", 299, "max-age=60, no-store, must-understand", Use.NONE, id="5.2.2.3-not-understood"),
    ],
)
def test_methods_and_statuses(method, status, answer, use):
    assert judge(cache_control(answer), 1, method=method, status=status).use is use


@pytest.mark.parametrize("server_skew", [-86_400, -60, 0, 60, 86_400])
@pytest.mark.parametrize(("age", "use"), [(59, Use.FRESH), (60, Use.VALIDATE)])
def test_fault_70_the_clocks_of_client_and_server_may_differ(server_skew, age, use):
    """RFC 9111, 4.2.1: Expires is compared with the server's Date; 4.2.3: the age is counted from the arrival."""
    dates = [("Date", at(server_skew)), ("Expires", at(server_skew + 60)), TAG]
    assert judge(dates, age).use is use
    assert judge([("Date", at(server_skew)), *cache_control("max-age=60")], age).use is use


@pytest.mark.parametrize(
    ("age", "use"), [(-0.5, Use.FRESH), (-2, Use.VALIDATE), (-86_400, Use.VALIDATE), (86_400, Use.VALIDATE)]
)
def test_fault_77_after_a_jump_of_our_clock_an_answer_is_stale(age, use):
    """RFC 9111, 4.2.3 needs the time since the arrival: after a jump it is unknown. Half a second is no jump."""
    assert judge(cache_control("max-age=60, stale-if-error=60"), age).use is use
    if age < -1:
        assert judge(cache_control("max-age=60, stale-if-error=60"), age).stale_until == -inf


@pytest.mark.parametrize(
    ("answer", "request_headers", "age", "seconds"),
    [
        pytest.param("max-age=60, stale-if-error=600", {}, 61, 660, id="5861-4-of-the-answer"),
        pytest.param("max-age=60", {"Cache-Control": "stale-if-error=600"}, 61, 660, id="5861-4-of-the-request"),
        pytest.param("max-age=60, stale-if-error=600", {"Cache-Control": "max-age=9"}, 20, 609, id="5861-4-max-age"),
        pytest.param("stale-if-error=600", {}, 0, 600, id="5861-4-without-a-lifetime"),
        pytest.param("max-age=60", {}, 61, None, id="4.2.4-only-if-allowed"),
        pytest.param("max-age=60, stale-if-error", {}, 61, None, id="5861-4-without-seconds"),
        pytest.param("max-age=60, stale-if-error=9, must-revalidate", {}, 61, None, id="4.2.4-must-revalidate"),
        pytest.param("no-cache, stale-if-error=600", {}, 1, None, id="4.2.4-no-cache"),
        pytest.param("stale-if-error=600", {"Cache-Control": "no-cache"}, 1, None, id="4.2.4-no-cache-of-the-request"),
    ],
)
def test_a_stale_answer_in_place_of_a_failure(answer, request_headers, age, seconds):
    until = -inf if seconds is None else CAME + seconds
    assert judge(cache_control(answer), age, request_headers) == Verdict(Use.VALIDATE, until)


@pytest.mark.parametrize(
    ("vary", "request_headers", "use"),
    [
        ("X-Time", {"X-Time": "1"}, Use.NONE),
        ("accept, x-time", {"x-TIME": "1"}, Use.NONE),
        ("User-Agent", {"User-Agent": "mine"}, Use.NONE),
        ("X-Request-ID", {"X-Request-ID": "7"}, Use.NONE),
        ("User-Agent", {}, Use.FRESH),
        ("Accept-Encoding", {}, Use.FRESH),
        ("Authorization", {"Authorization": "Bearer a"}, Use.FRESH),
    ],
    ids=["ignored", "among others", "User-Agent", "request id", "our own User-Agent", "Accept-Encoding", "identity"],
)
def test_security_s17_no_answer_that_varies_with_an_ignored_header(vary, request_headers, use):
    """RFC 9111, 4.1. Headers that are not ignored are part of the fingerprint or of the identity."""
    assert judge([*cache_control("max-age=60"), ("Vary", vary)], 1, request_headers).use is use


@pytest.mark.parametrize(("value", "asks"), [("no-store", True), ("no-cache", False), ("max-age=0, NO-STORE", True)])
def test_a_request_may_ask_that_its_answer_is_not_kept(value, asks):
    """RFC 9111, 5.2.1.5."""
    assert asks_not_to_store(Request("https://e.com", headers={"cache-control": value})) is asks


@given(
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.sampled_from(["", ", must-revalidate", ", stale-if-error=60", ", private", ", no-cache"]),
)
def test_an_answer_that_got_older_is_never_fresher(lifetime, age, more, directive):
    answer = cache_control(f"max-age={lifetime}{directive}")
    if judge(answer, age + more).use is Use.FRESH:
        assert judge(answer, age).use is Use.FRESH
    assert (judge(answer, age).use is Use.FRESH) == (age < lifetime and "no-cache" not in directive)


@given(st.dictionaries(st.sampled_from(["Cache-Control", "Expires", "Date", "Age", "Vary", "ETag"]), st.text()))
def test_odd_fields_raise_nothing(headers):
    assert find_lifetime(200, read_cache_fields(headers), CAME) >= 0
    judge(list(headers.items()), 1, headers)
