"""The grammar of the ``Link`` header (RFC 8288)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from pandas_async_io._core.models import Response
from pandas_async_io._core.workflow.paging.links.link_header import link_targets, parse_link_header

VECTORS = Path(__file__).parents[6] / "shared" / "data" / "headers.json"


def vectors():
    return json.loads(VECTORS.read_text())["link"] if VECTORS.exists() else []


@pytest.mark.skipif(not VECTORS.exists(), reason="the vectors lie beside the project")
@pytest.mark.parametrize(("header", "expected"), vectors())
def test_the_link_header_vectors_are_parsed(header, expected):
    """Each vector gives its relations and nothing else."""
    assert parse_link_header(header) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('<a>; rel=next, <b>; rel="next"', {"next": "a"}),
        ('<a>; rel="next"; rel="prev"', {"next": "a"}),
        ('<a>; rel="next"; anchor="/other", <b>; rel=next', {"next": "b"}),
        (r'<a>; title="say \"hi, <x>; rel=prev\""; rel=next', {"next": "a"}),
        ("<a>;rel = next", {"next": "a"}),
        ("<a>; hreflang; rel=next", {"next": "a"}),
        ("<a>; rel=next; =x, <b>; rel=prev", {"prev": "b"}),
        (", ,<a>; rel=next,, <b>; rel=last", {"next": "a", "last": "b"}),
        ("< /a >; rel=next", {"next": "/a"}),
        ("", {}),
    ],
)
def test_the_grammar_of_the_link_header_is_parsed(header, expected):
    """The first relation wins, links with an anchor and malformed links are skipped."""
    assert parse_link_header(header) == expected


@given(st.text(alphabet='<>;,="\\ relnxt/', max_size=60))
def test_no_text_makes_the_parser_raise(header):
    """Any header has a meaning, if only that there is no link."""
    assert all(isinstance(target, str) for target in parse_link_header(header).values())


targets = st.text(alphabet="abc/?=&,;%20", max_size=12)


@given(st.dictionaries(st.sampled_from(["next", "prev", "last", "up"]), targets))
def test_a_well_formed_header_gives_back_its_targets(links):
    """Commas and semicolons in them included."""
    header = ", ".join(f'<{target}>; title="a, b; c"; rel="{rel}"' for rel, target in links.items())
    assert parse_link_header(header) == {rel: target.strip() for rel, target in links.items()}


def test_several_link_headers_are_combined():
    """A response may have the header several times."""
    headers = CIMultiDict([("LINK", "</2>; rel=next"), ("link", "</9>; rel=last")])
    assert link_targets(Response(200, headers, b"", "")) == {"next": "/2", "last": "/9"}
