"""Secrets removed from texts by their values."""

import pytest

from pandas_async_io._core.security.redaction import (
    SecretRedactor,
    find_credential_secrets,
    find_named_secrets,
    find_url_secrets,
)

SECRET = "s3cret/key+of mine"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        "s3cret%2Fkey%2Bof%20mine",
        SECRET.upper(),
        "s3cret%2Fkey%2Bof+mine",
        f"a{SECRET}b{SECRET}",
        f"{'x' * 190} {SECRET[:9]}",
        f"{'x' * 190} {SECRET[:9]} (3 attempts)",
        f"{SECRET[:7]}…",
        f"{SECRET[:7]}… and {SECRET[:9]}…",
    ],
)
def test_every_form_of_a_secret_is_redacted(form):
    """As it is, encoded, twice, or cut where a text was shortened."""
    assert "s3cret" not in SecretRedactor([SECRET]).redact(form).lower()


@pytest.mark.parametrize("text", ["", "a key of mine", "s3cret", "s3cret/k, so it is said", "s3cre…"])
def test_a_text_without_the_secret_is_unchanged(text):
    """The start of a secret in the middle of a text is not the secret."""
    assert SecretRedactor([SECRET]).redact(text) == text
    assert SecretRedactor().redact(text) == text


def test_short_secrets_are_ignored():
    """A password of one letter would redact every text."""
    assert SecretRedactor(["a", "", "1234567"]).redact("a 1234567") == "a 1234567"
    assert SecretRedactor(["12345678"]).redact("a 12345678") == "a ***"


def test_a_credential_in_its_place_is_masked_whatever_its_length():
    """A short value is masked by the name of its parameter or header, and nowhere else."""
    redactor = SecretRedactor(["1"], names=["k", "X-Custom"])
    assert redactor.redact("https://e.com/1?page=1&k=1&kk=1#1") == "https://e.com/1?page=1&k=***&kk=1#1"
    assert redactor.redact_all(["https://e.com/?k=1", "1"]) == ["https://e.com/?k=***", "1"]
    assert redactor.redact_headers({"x-custom": "1", "X-Page": "1"}) == {"x-custom": "***", "X-Page": "1"}


def test_many_texts_are_redacted_like_single_ones():
    """Texts without a secret are unchanged."""
    redactor, texts = SecretRedactor([SECRET]), ["a", f"b {SECRET}", "c"]
    assert redactor.redact_all(texts) == ["a", "b ***", "c"]
    assert redactor.redact_all(texts[:1]) == ["a"]


def test_a_request_may_have_its_own_secrets():
    """They are looked up by position, and only for that request's message."""
    redactor = SecretRedactor([SECRET], lambda position: [f"row-secret-{position}"])
    assert redactor.redact_for_request(3, f"row-secret-3 row-secret-4 {SECRET}") == "*** row-secret-4 ***"


@pytest.mark.parametrize("value", ["Basic !!!", "Basic /w==", "Bearer", "plain"])
def test_a_malformed_credential_is_secret_as_a_whole(value):
    """A header that says Basic and is not raises no error."""
    assert next(find_credential_secrets(value)) == value


def test_secrets_are_found_at_any_depth_of_a_body():
    """Lists, numbers and nulls are traversed."""
    body = {"users": [{"token": "abcdef", "age": 3, "name": "Ada"}, None], "n": {"signature": "ghijkl"}}
    assert list(find_named_secrets(body)) == ["abcdef", "ghijkl"]
    assert list(find_named_secrets(None)) == list(find_named_secrets("token")) == []


def test_ordinary_words_under_ambiguous_names_are_no_secrets():
    """They are data of the row. Under a secret name, or with digits, a value is a secret."""
    assert list(find_named_secrets({"key": "user_id", "code": "active", "token_type": "unknown"})) == []
    assert list(find_named_secrets({"key": "a1b2c3d4", "password": "sunshine"})) == ["a1b2c3d4", "sunshine"]
    assert list(find_url_secrets("https://e.com/?session=orders&key=a1b2c3d4")) == ["a1b2c3d4"]


def test_a_message_about_an_unsent_request_needs_no_secrets():
    """The secrets of its request are not looked up: there may be one per row."""
    redactor = SecretRedactor(request_secrets=lambda position: 1 / 0)
    assert redactor.redact_for_request(7, "not sent: the run's deadline has passed").startswith("not sent")
