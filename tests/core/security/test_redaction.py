"""Known credentials are blotted out of texts, in every form in which they come back."""

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
def test_no_form_of_a_secret_is_left(form):
    """As it is, encoded, twice, or cut off by the length of a text."""
    assert "s3cret" not in SecretRedactor([SECRET]).redact(form).lower()


@pytest.mark.parametrize("text", ["", "a key of mine", "s3cret", "s3cret/k, so it is said", "s3cre…"])
def test_other_texts_stay_as_they_are(text):
    """What only begins as a secret does, in the middle of a text, is none."""
    assert SecretRedactor([SECRET]).redact(text) == text
    assert SecretRedactor().redact(text) == text


def test_short_words_are_no_secrets():
    """A password of one letter would blot out every text."""
    assert SecretRedactor(["a", "", "12345"]).redact("a 12345") == "a 12345"


def test_many_texts_are_those_that_one_by_one_gives():
    """The same list where there is nothing to blot out."""
    redactor, texts = SecretRedactor([SECRET]), ["a", f"b {SECRET}", "c"]
    assert redactor.redact_all(texts) == ["a", "b ***", "c"]
    assert redactor.redact_all(texts[:1]) == ["a"]


def test_a_request_may_have_secrets_of_its_own():
    """They are asked for by its position, and only for a text about it."""
    redactor = SecretRedactor([SECRET], lambda position: [f"row-secret-{position}"])
    assert redactor.redact_for_request(3, f"row-secret-3 row-secret-4 {SECRET}") == "*** row-secret-4 ***"


@pytest.mark.parametrize("value", ["Basic !!!", "Basic /w==", "Bearer", "plain"])
def test_a_credential_that_is_not_as_it_should_be_is_secret_as_a_whole(value):
    """No error where a header says Basic and is none."""
    assert next(find_credential_secrets(value)) == value


def test_names_decide_in_a_body_of_any_depth():
    """Lists, numbers and nothing are walked over."""
    body = {"users": [{"token": "abcdef", "age": 3, "name": "Ada"}, None], "n": {"signature": "ghijkl"}}
    assert list(find_named_secrets(body)) == ["abcdef", "ghijkl"]
    assert list(find_named_secrets(None)) == list(find_named_secrets("token")) == []


def test_ordinary_words_under_names_that_say_little_are_no_secrets():
    """What they are is the row's data; under a name that is a secret's, or with digits in it, it is one."""
    assert list(find_named_secrets({"key": "user_id", "code": "active", "token_type": "unknown"})) == []
    assert list(find_named_secrets({"key": "a1b2c3d4", "password": "sunshine"})) == ["a1b2c3d4", "sunshine"]
    assert list(find_url_secrets("https://e.com/?session=orders&key=a1b2c3d4")) == ["a1b2c3d4"]


def test_what_was_not_sent_holds_no_word_of_a_servers():
    """So nobody looks for secrets of its request, of which there may be as many as rows."""
    assert (
        SecretRedactor(request_secrets=lambda position: 1 / 0)
        .redact_for_request(7, "not sent: the run's deadline has passed")
        .startswith("not sent")
    )
