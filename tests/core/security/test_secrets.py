"""Secrets masked by their names."""

import pytest

from pandas_async_io._core.security.secrets import redact_headers, redact_text, redact_url, redact_urls

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
