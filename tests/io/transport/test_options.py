"""The options of a client's connections: each is checked when the client is made."""

import pytest

import pandas_async_io as paio


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"follow": "all"}, "follow='all': choose one of"),
        ({"block_private": "yes"}, "block_private='yes': pass True or False"),
        ({"allow_hosts": "e.com"}, r"allow_hosts='e.com' must be a list of hosts: write \['e.com'\]"),
        ({"allow_hosts": None}, "allow_hosts=None must be a list"),
        ({"allow_hosts": ["https://e.com"]}, "allow_hosts: 'https://e.com' is not a host"),
        ({"allow_hosts": ["e.com/"]}, "allow_hosts: 'e.com/' is not a host"),
        ({"proxy": "proxy.example:3128"}, "proxy='…' is not the URL of an HTTP proxy: write it with 'http://'"),
        ({"proxy": "socks5://proxy.example"}, "proxy='socks5://proxy.example' is not the URL of an HTTP proxy"),
        ({"proxy": 3128}, "proxy=3128: pass the URL"),
        ({"max_body": "9" * 400 + "GiB"}, "is not a size"),
        ({"session": "mine"}, "session='mine' is not an aiohttp.ClientSession"),
    ],
)
def test_an_unusable_option_raises_when_the_client_is_made(options, message):
    """Not at the first request, and not never."""
    with pytest.raises(paio.PlanError, match=message):
        paio.Client("https://e.com", **options)


@pytest.mark.parametrize("proxy", ["ftp://me:s3cret@proxy.example", "me:s3cret@proxy.example", "http://me:s3cret@"])
def test_a_message_about_a_proxy_shows_no_password(proxy):
    """A URL with a user is not shown."""
    with pytest.raises(paio.PlanError, match="proxy=") as caught:
        paio.Client(proxy=proxy)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("host", ["*", "e.com", "*.e.com", "e.com:8443", "::1", "bücher.example", "10.0.0.1"])
def test_hosts_that_may_be_allowed(host):
    """Names, addresses, ports and patterns."""
    assert paio.Client(allow_hosts=[host]).allow_hosts == (host,)
