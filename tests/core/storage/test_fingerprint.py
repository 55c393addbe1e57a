"""Which requests have the same answer, and whose answer it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.models import Request
from pandas_async_io._core.storage.fingerprint import Fingerprinter

BASE = Request("https://e.com/a?page=2", headers={"Accept": "text/csv"})


def key(request, **options):
    return Fingerprinter([b"salt", b"other"], **options)(request)


@pytest.mark.parametrize(
    "other",
    [
        Request("https://e.com/a?page=3", headers=BASE.headers),
        Request("https://e.com/b?page=2", headers=BASE.headers),
        Request("http://e.com/a?page=2", headers=BASE.headers),
        Request(BASE.url, "HEAD", BASE.headers),
        Request(BASE.url, headers={"Accept": "application/json"}),
        Request(BASE.url, headers={**BASE.headers, "X-Tenant": "a"}),
        Request(BASE.url, headers=BASE.headers, body=b"{}"),
    ],
    ids=["query", "path", "scheme", "method", "header", "further header", "body"],
)
def test_another_request_has_another_fingerprint(other):
    assert key(BASE).fingerprint != key(other).fingerprint


@pytest.mark.parametrize("name", ["Idempotency-Key", "traceparent", "X-Request-ID", "USER-AGENT", "x-b3-traceid"])
def test_a_header_of_one_sending_does_not_count(name):
    assert key(BASE) == key(Request(BASE.url, headers={**BASE.headers, name: "1"}))


def test_an_ignored_name_does_not_count_in_headers_or_query():
    stamped = Request(f"{BASE.url}&ts=9", headers={**BASE.headers, "X-Time": "9"})
    assert key(stamped, ignore=["ts", "x-time"]) == key(BASE)


@pytest.mark.parametrize(
    "request_of",
    [
        lambda secret: Request(BASE.url, headers={"Authorization": f"Bearer {secret}"}),
        lambda secret: Request(f"https://e.com/a?api_key={secret}&page=2"),
        lambda secret: Request(f"https://e.com/a?page=2&appid={secret}"),
        lambda secret: Request(f"https://me:{secret}@e.com/a?page=2"),
        lambda secret: Request(BASE.url, headers={"X-Mine": secret}),
    ],
    ids=["header", "query", "last parameter", "userinfo", "named by the call"],
)
def test_security_s17_a_credential_is_in_the_identity_alone(request_of):
    ann, bob = (key(request_of(secret), secret_names=["x-mine"]) for secret in ("ann-token", "bob-token"))
    nobody = key(Request(BASE.url))
    assert ann.fingerprint == bob.fingerprint == nobody.fingerprint
    assert len({ann.identities, bob.identities, nobody.identities}) == 3
    assert nobody.identities == (b"",)


def test_a_credential_has_a_digest_for_each_salt():
    first, second = key(Request(BASE.url, headers={"Authorization": "x"})).identities
    assert len(first) == len(second) == 16
    assert first != second


def test_a_source_of_credentials_is_an_identity():
    assert key(BASE, identity="client a").identities != key(BASE, identity="client b").identities


def test_equal_requests_that_change_something_are_told_apart():
    print_of = Fingerprinter([b"salt"])
    assert print_of(BASE, 1).fingerprint != print_of(BASE).fingerprint


@given(st.lists(st.sampled_from(["Accept", "X-A", "x-b", "Authorization"]), unique=True), st.randoms())
def test_the_order_of_headers_does_not_count(names, random):
    shuffled = [*names]
    random.shuffle(shuffled)
    one, two = (Request(BASE.url, headers=dict.fromkeys(each, "v")) for each in (names, shuffled))
    assert key(one) == key(two)


def test_headers_of_the_last_request_are_not_taken_for_the_next():
    print_of = Fingerprinter([b"salt"])
    print_of(Request(BASE.url, headers={"Authorization": "a"}))
    assert print_of(Request(BASE.url, headers={"Authorization": "b"})) == Fingerprinter([b"salt"])(
        Request(BASE.url, headers={"Authorization": "b"})
    )
