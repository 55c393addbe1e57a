"""Errors that show where a body breaks, without secrets, and HTML where data is expected."""

from __future__ import annotations

import pytest

from tests.core.body.bodies import JSON, decode_error


@pytest.mark.parametrize("position", [0, 50, 5000, 9990])
def test_fault_19_an_excerpt_has_at_most_200_characters(position):
    """The body has any length; the excerpt has no line break."""
    filler = b'"abc\\n",\n' * 1200
    text = b"[" + filler[:position] + b"!here!" + filler
    message = str(decode_error(text))
    excerpt = message[message.index("«") + 1 : message.rindex("»")]
    assert len(excerpt) <= 200
    assert "\n" not in message


@pytest.mark.parametrize(
    "hidden",
    [
        '"access_token": "CANARY"',
        '"api_key":"CANARY"',
        '"X-Api-Key" : "CANARY"',
        '"clientSecret": "a \\" CANARY"',
        '"password": "CANARY',
        '"Authorization": "Bearer CANARY"',
        '"tokens": ["CANARY", "CANARY"]',
        '"credentials": {"user": "CANARY", "x": "CANARY"}',
        '"next": "https://x/?sig=CANARY&page=2"',
        '"said": "bearer CANARY"',
        '"session_id": CANARY',
    ],
)
@pytest.mark.parametrize("gap", [0, 60])
def test_fault_19_an_excerpt_masks_secrets(hidden, gap):
    """Before and after the position, even if the secret begins outside of the excerpt."""
    before = "{" + hidden + "," * (gap + 1) + " }"
    behind = '{"id": nope,' + " " * gap + hidden + "}"
    long = "{" + hidden.replace("CANARY", "CANARY" * 300)
    for text in (before, behind, long):
        error = decode_error(text.encode())
        assert "CANARY" not in str(error)
        assert len(str(error)) < 400


@pytest.mark.parametrize("format", ["auto", "json", "ndjson"])
@pytest.mark.parametrize("content_type", [JSON, "text/html; charset=utf-8", "text/plain", None])
@pytest.mark.parametrize("start", ["", "\n ", "\ufeff"])
def test_fault_25_html_is_refused_by_its_title(format, content_type, start):  # noqa: A002 - the option's name
    """A login page with status 200, whatever its media type."""
    page = f"{start}<!DOCTYPE html><html><head><title>\n Sign in &amp; go</title></head></html>"
    error = decode_error(page.encode(), content_type, format=format)
    assert "looks like HTML («Sign in & go»)" in str(error)
    assert not error.transient


def test_fault_25_the_media_type_of_html_is_enough():
    """A fragment without a head is HTML; a secret in a title is masked."""
    assert "looks like HTML," in str(decode_error(b"<div>Please log in</div>", "text/html"))
    assert "CANARY" not in str(decode_error(b"<html><title>token=CANARY</title>", "text/html"))
