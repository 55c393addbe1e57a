"""Conditional requests and their 304 (RFC 9111, 4.3 and 3.2)."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from pandas_async_io._core.models import Request, Response
from pandas_async_io._core.storage.cache_fields import read_cache_fields
from pandas_async_io._core.storage.revalidation import (
    add_to_age,
    drop_unvalidated_fields,
    is_validated,
    make_conditional,
    update_answer,
)

URL = "https://e.com/a"
MONDAY, TUESDAY = "Mon, 01 Jan 2024 00:00:00 GMT", "Tue, 02 Jan 2024 00:00:00 GMT"


@pytest.mark.parametrize(
    ("kept", "sent"),
    [
        pytest.param({"ETag": '"1"'}, {"If-None-Match": '"1"'}, id="4.3.1-etag"),
        pytest.param({"ETag": 'W/"1"'}, {"If-None-Match": 'W/"1"'}, id="4.3.1-weak-etag"),
        pytest.param({"Last-Modified": MONDAY}, {"If-Modified-Since": MONDAY}, id="4.3.1-last-modified"),
        pytest.param(
            {"ETag": '"1"', "last-modified": MONDAY},
            {"If-None-Match": '"1"', "If-Modified-Since": MONDAY},
            id="4.3.1-both",
        ),
        pytest.param({"Last-Modified": "yesterday"}, None, id="no-date"),
        pytest.param({"ETag": '"\udc80"'}, None, id="a-validator-that-cannot-be-sent"),
        pytest.param({"ETag": ""}, None, id="empty"),
        pytest.param({}, None, id="none"),
    ],
)
def test_a_conditional_request_has_the_validators_of_the_kept_answer(kept, sent):
    request = make_conditional(Request(URL, headers={"Accept": "text/csv"}), read_cache_fields(kept))
    assert (request and dict(request.headers)) == (sent and {"Accept": "text/csv", **sent})


@pytest.mark.parametrize(
    ("kept", "not_modified", "url", "validated"),
    [
        pytest.param({"ETag": '"1"'}, {"ETag": '"1"'}, URL, True, id="4.3.4-strong"),
        pytest.param({"ETag": '"1"'}, {"ETag": '"2"'}, URL, False, id="4.3.4-another-strong"),
        pytest.param({"ETag": 'W/"1"'}, {"ETag": 'W/"1"'}, URL, True, id="4.3.4-weak"),
        pytest.param({"ETag": '"1"'}, {"ETag": 'W/"1"'}, URL, True, id="4.3.4-made-weak-on-the-way"),
        pytest.param({"ETag": 'W/"1"'}, {"ETag": '"1"'}, URL, False, id="4.3.4-strong-for-weak"),
        pytest.param({"ETag": '"1"'}, {}, URL, True, id="4.3.4-without-validator"),
        pytest.param({"Last-Modified": MONDAY}, {"Last-Modified": MONDAY}, URL, True, id="4.3.4-date"),
        pytest.param({"Last-Modified": MONDAY}, {"Last-Modified": TUESDAY}, URL, False, id="4.3.4-another-date"),
        pytest.param({"ETag": '"1"'}, {"ETag": '"1"'}, "https://e.com/b", False, id="redirected-to-another-resource"),
    ],
)
def test_a_304_is_about_the_kept_answer_if_its_validator_is(kept, not_modified, url, validated):
    assert is_validated(Response(200, kept, b"[]", URL), Response(304, not_modified, b"", url)) is validated


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        pytest.param("Cache-Control", "max-age=1", "max-age=2", ["max-age=2"], id="3.2-replaced"),
        pytest.param("X-Kept", "a", None, ["a"], id="3.2-kept"),
        pytest.param("Date", MONDAY, TUESDAY, [TUESDAY], id="3.2-date"),
        pytest.param("X-New", None, "b", ["b"], id="3.2-added"),
        pytest.param("Age", "90", None, [], id="4.3.4-the-age-is-that-of-the-304"),
        pytest.param("Age", "90", "3", ["3"], id="4.3.4-a-new-age"),
        pytest.param("Content-Length", "2", "0", ["2"], id="3.2-content-length"),
        pytest.param("Content-Encoding", "gzip", "br", ["gzip"], id="3.2-of-a-body-that-was-decoded"),
        pytest.param("Content-Type", "application/json", "text/html", ["application/json"], id="3.2-content-type"),
        pytest.param("Connection", None, "close", [], id="3.1-connection"),
    ],
)
def test_a_304_updates_header_fields(name, old, new, expected):
    kept = Response(200, {} if old is None else {name: old}, b"[]", URL)
    updated = update_answer(kept, Response(304, {} if new is None else {name: new}, b"", URL))
    assert (updated.status, updated.body) == (200, b"[]")
    assert updated.headers.getall(name, []) == expected


def test_all_lines_of_a_field_are_replaced():
    kept = Response(200, CIMultiDict([("Vary", "A"), ("Vary", "B"), ("Link", "<x>")]), b"[]", URL)
    lines = [("vary", "C"), ("vary", "D")]
    updated = update_answer(kept, Response(304, CIMultiDict(lines), b"", URL))
    assert list(updated.headers.items()) == [("Link", "<x>"), *lines]


@pytest.mark.parametrize(
    ("old", "seconds", "age"), [(None, 0.9, None), (None, 3.2, "3"), ("7", 3.2, "10"), ("x", 2, "2")]
)
def test_the_time_on_the_way_is_part_of_the_age(old, seconds, age):
    """RFC 9111, 4.2.3: corrected_age_value."""
    response = add_to_age(Response(200, CIMultiDict({"Age": old} if old else {}), b"", URL), seconds)
    assert response.headers.get("Age") == age


def test_fields_that_need_validation_are_left_out():
    """RFC 9111, 5.2.2.4."""
    headers = CIMultiDict(
        [("Cache-Control", 'max-age=9, no-cache="X-A, x-b"'), ("x-a", "1"), ("X-B", "2"), ("X-C", "3")]
    )
    left = drop_unvalidated_fields(headers, read_cache_fields(headers))
    assert list(left) == ["Cache-Control", "X-C"]
