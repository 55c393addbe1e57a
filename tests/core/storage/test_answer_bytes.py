"""Answers as bytes, and the call's credentials in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.storage.answer_bytes import join_answer, pack, parse_headers, split_answer, unpack
from pandas_async_io._core.storage.hidden_secrets import HiddenSecrets

LATIN = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]))


@given(st.lists(st.tuples(st.sampled_from(["Link", "ETag", "X-Total"]), LATIN)), st.binary(max_size=4_000))
def test_an_answer_comes_back_as_it_was(headers, body):
    head, rest = split_answer(unpack(*pack(join_answer(headers, body))))
    assert (parse_headers(head), rest) == (headers, body)


def test_a_large_answer_is_compressed():
    packed = pack(join_answer([], b"0123456789" * 1_000))
    assert len(packed.content) < 1_000
    assert unpack(*packed).endswith(b"789")


def test_a_header_that_is_no_utf8_is_kept():
    head, body = split_answer(join_answer([("X-Name", "M\udcfcller")], b"{}"))
    assert parse_headers(head) == [("X-Name", "M?ller")]
    assert body == b"{}"


@pytest.mark.parametrize("at", [0, 10, -1])
def test_fault_77_changed_bytes_are_no_answer(at):
    packed = pack(join_answer([("ETag", "1")], b"0123456789" * 300))
    changed = bytearray(packed.content)
    changed[at] ^= 1
    with pytest.raises(ValueError, match="checksum"):
        unpack(packed.coding, packed.checksum, bytes(changed))


@pytest.mark.parametrize("name", ["Set-Cookie", "set-cookie2", "Authentication-Info"])
def test_a_cookie_is_not_kept(name):
    assert b"s3cret" not in join_answer([(name, "s3cret")], b"")


@given(st.lists(st.text(min_size=1, max_size=5), max_size=4), st.binary(max_size=30))
def test_hidden_secrets_come_back(secrets, body):
    hidden = HiddenSecrets(secrets)
    content = body + b"|".join(secret.encode() for secret in secrets)
    if b"***secret-" not in content:
        assert hidden.restore(hidden.hide(content)) == content


def test_a_call_without_the_secret_sees_stars():
    kept = HiddenSecrets(["s3cret-token"]).hide(b'{"next": "/b?token=s3cret-token"}')
    assert b"s3cret-token" not in kept
    assert HiddenSecrets([]).restore(kept) == b'{"next": "/b?token=***"}'


def test_the_answer_to_another_request_is_none():
    """A damaged index may lead to it."""
    packed = pack(join_answer([], b"a"), b"key")
    assert unpack(*packed, b"key").endswith(b"a")
    with pytest.raises(ValueError, match="checksum"):
        unpack(*packed, b"kez")
