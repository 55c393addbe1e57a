"""Numbered URLs: page numbers and offsets that grow from link to link."""

from __future__ import annotations

import pytest

from pandas_async_io._core.models import Request
from pandas_async_io._core.workflow.paging.links.url_sequence import (
    UrlSequence,
    find_last_value,
    find_sequence,
    requests_from,
)

HOME = Request("https://e.com/v1/users?page=1", headers={"Authorization": "Bearer x"})


@pytest.mark.parametrize(
    ("url", "following", "expected"),
    [
        ("/u", "/u?page=2", UrlSequence("page", 2, 1)),
        ("/u?per_page=5", "/r/1?per_page=5&page=2", UrlSequence("page", 2, 1)),
        ("/u", "/u?page=2&per_page=30", UrlSequence("page", 2, 1)),
        ("/u?page=0", "/u?page=1", UrlSequence("page", 1, 1)),
        ("/u?page[number]=1", "/u?page%5Bnumber%5D=2", UrlSequence("page[number]", 2, 1)),
        ("/u", "/u?limit=10&offset=10", UrlSequence("offset", 10, 10)),
        ("/u?startAt=50", "/u?startAt=100", UrlSequence("startAt", 100, 50)),
        ("/u", "/u?page=7", None),
        ("/u", "/u?page_info=abc", None),
        ("/u", "/u?since=364", None),
        ("/u?since=1", "/u?since=364", None),
        ("/u", "/u?page=2&cursor=x", None),
        ("/u?page=3", "/u?page=2", None),
        ("/u?page=a", "/u?page=2", None),
        ("/u?q=1", "/u?page=2", None),
        ("/u", "/u?page_token=2", None),
        ("/u", "/u", None),
    ],
)
def test_a_sequence_is_found_only_if_one_number_grows(url, following, expected):
    """One page number or offset may differ, and nothing that could be a token."""
    assert find_sequence(f"https://e.com{url}", f"https://e.com{following}") == expected


def test_the_last_link_must_differ_from_the_next_one_in_the_number_only():
    """Only then every page between is known."""
    sequence = UrlSequence("page", 2, 1)
    assert find_last_value("https://e.com/?page=2&a=1", "https://e.com/?a=1&page=5", sequence) == 5
    assert find_last_value("https://e.com/?page=2", "https://e.com/?page=5&a=1", sequence) is None
    assert find_last_value("https://e.com/?page=2", "https://e.com/x?page=5", sequence) is None
    assert find_last_value("https://e.com/?page=2", "https://e.com/?page=end", sequence) is None
    assert requests_from(HOME, sequence, -1) == []
