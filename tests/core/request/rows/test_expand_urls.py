"""A column of whole URLs as requests."""

import numpy as np
import pandas as pd
import pytest

from pandas_async_io._core.request.rows.expand_urls import expand_urls

HOST = "https://api.example.com"


def test_equal_urls_are_sent_once():
    """URLs that are sent alike are one request. Nulls have no request, and invalid URLs are unsafe."""
    urls = [
        "http://a.example/x y",
        "http://a.example/x%20y",
        " HTTP://A.example/x y#frag ",
        "http://a.example",
        "http://a.example/",
    ]
    odd = [
        None,
        np.nan,
        pd.NA,
        "",
        " ",
        "ftp://a.example/",
        "a.example/x",
        "http://a.example/\nx",
        "http://a.example/../x",
        7,
        ["x"],
    ]
    expansion = expand_urls([*urls, *odd])
    assert expansion.urls == ["http://a.example/x%20y", "http://a.example/"]
    assert expansion.row_to_request.tolist() == [0, 0, 0, 1, 1] + [-1] * len(odd)
    assert sorted(expansion.unsafe) == list(range(10, 16))
    assert len(expand_urls(["http://a.example/"] * 2, method="post")) == 2


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("x", f"{HOST}/v1/x"),
        ("/x?u=http://b.example", f"{HOST}/v1/x?u=http://b.example"),
        ("x/http://b.example", f"{HOST}/v1/x/http://b.example"),
        ("//evil.example/x", f"{HOST}/v1/evil.example/x"),
        ("http://bücher.example/é", "http://xn--bcher-kva.example/%C3%A9"),
        ("http://u:p@[::1]:8080?q", "http://u:p@[::1]:8080/?q"),
    ],
)
def test_relative_urls_are_put_after_the_base(url, expected):
    """Only a scheme at the start makes a URL absolute."""
    assert expand_urls([url], base_url=f"{HOST}/v1/").urls == [expected]
