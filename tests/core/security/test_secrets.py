"""Secrets masked by their names."""

import pytest

from pandas_async_io._core.security.secrets import (
    is_secret_name,
    mask_secrets,
    redact_headers,
    redact_text,
    redact_url,
    redact_urls,
)

SECRET = "s3cret-Canary"


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{SECRET}@h.example/",
        f"https://{SECRET}@h.example/",
        f"https://h.example/?access_token={SECRET}&a=1",
        f"https://h.example/?a=1&API_KEY={SECRET}#x",
        f"https://h.example/?X-Amz-Signature={SECRET}",
        f"https://h.example/?sig={SECRET}",
        f"https://h.example/?code={SECRET}",
        f"https://h.example/?key={SECRET}",
        f"https://h.example/?client_secret={SECRET}",
    ],
)
def test_security_s11_secrets_in_urls_are_masked(url):
    """Userinfo and the values of secret keys are removed; the rest stays."""
    assert SECRET not in redact_url(url)
    assert redact_url(url).startswith("https://h.example/")
    assert redact_urls(["http://a.example/?page=1", url]) == ["http://a.example/?page=1", redact_url(url)]
    assert SECRET not in redact_text(f'{{"next": "{url}"}}')


@pytest.mark.parametrize(
    "text",
    [f'{{"token": "{SECRET}"}}', f"Authorization: Bearer {SECRET}", f"password={SECRET}", f"'api_key': '{SECRET}'"],
)
def test_security_s11_secrets_in_texts_are_masked(text):
    """A pair of a secret name and a value loses the value."""
    assert SECRET not in redact_text(text)


@pytest.mark.parametrize(
    "name", ["Authorization", "X-API-Key", "Cookie", "Proxy-Authorization", "X-Auth-Token", "X-My-Secret"]
)
def test_security_s11_secrets_in_headers_are_masked(name):
    """A header that may hold a credential keeps only its name."""
    assert redact_headers({name: SECRET, "Accept": "a"}) == {name: "***", "Accept": "a"}


SECRET_NAMES = """
    key subscription-key access_key app_key appid user_key auth_key license_key pass client_assertion apiKey serviceKey
    X-Functions-Key Ocp-Apim-Subscription-Key DD-APPLICATION-KEY crtfc_key subscriptionkey apikey X-API-Key private_key
    hapikey app_id session-id licenseKey AccessKey APPKEY sharedkey x-rapidapi-key X-Amz-Signature Authorization authkey
""".split()  # noqa: SIM905 - a list of words
OTHER_NAMES = """
    monkey partition_key sort_key primary_key foreign_key object_key donkey Idempotency-Key sortKey PartitionKey
    PrimaryKey my.sort_key bypass passage compass passenger Accept encode country_code author page Content-Type hockey
    turkey
""".split()  # noqa: SIM905 - as above


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_security_s11_a_name_that_ends_in_key_is_a_secret(name):
    """One rule holds for headers, queries, JSON and forms."""
    assert is_secret_name(name)
    assert redact_headers({name: SECRET}) == {name: "***"}
    assert redact_url(f"https://h.example/?a=1&{name}={SECRET}&b=2") == f"https://h.example/?a=1&{name}=***&b=2"
    assert redact_urls([f"https://h.example/?{name}={SECRET}"]) == [f"https://h.example/?{name}=***"]
    for text in (f'{{"{name}": "{SECRET}"}}', f"{name}={SECRET}&b=2"):
        assert SECRET not in redact_text(text) + mask_secrets(text)
        assert len(mask_secrets(text)) == len(text)


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_a_name_that_only_looks_like_a_secrets_is_none(name):
    """A database's keys and words that end in key are data."""
    assert not is_secret_name(name)
    assert redact_headers({name: SECRET}) == {name: SECRET}
    assert redact_urls([f"https://h.example/?{name}={SECRET}"]) == [f"https://h.example/?{name}={SECRET}"]
    assert redact_text(f'{{"{name}": "{SECRET}"}}') == f'{{"{name}": "{SECRET}"}}'


def test_a_secret_inside_the_value_of_another_name_is_masked():
    """The text after a name that is no secret is read on."""
    text = f'sort_key: token={SECRET} monkey: {{"api_key": "{SECRET}"}}'
    assert SECRET not in redact_text(text)
    assert redact_text(text).startswith("sort_key: token=***")


def test_a_long_name_from_a_server_is_searched_in_linear_time():
    """With a quadratic search, this text would take more than a minute."""
    text = "https://api.example.com/?" + "token" * 30_000
    assert redact_text(text) == text
