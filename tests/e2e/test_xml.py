"""XML answers in every way that JSON answers have: shapes, pages, batches, errors."""

from __future__ import annotations

import sys
from urllib.parse import parse_qsl, urlsplit

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.e2e.test_formats import respond_with, serve_paths

ATOM = "<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title>%s%s</feed>"


@pytest.fixture(params=["lxml", "stdlib"], autouse=True)
def parser(request, monkeypatch):
    """Read with lxml, and as if it were not installed."""
    if request.param == "stdlib":
        monkeypatch.setitem(sys.modules, "lxml.etree", None)
    else:
        pytest.importorskip("lxml.etree")


def feed(ids, following=None):
    entries = "".join(
        f"<entry><id>{at}</id><zip>{at:03d}</zip><author><name>A{at}</name></author><author><name>B</name></author></entry>"
        for at in ids
    )
    link = f"<link rel='next' href='{following}'/>" if following else "<link rel='self' href='/feed?page=2'/>"
    return ATOM % (link, entries)


def objects(keys, token=None):
    contents = "".join(f"<Contents><Key>k{key}</Key><Size>{key}</Size></Contents>" for key in keys)
    more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    return (
        f"<ListBucketResult><Name>b</Name><IsTruncated>{bool(token)}</IsTruncated>{more}{contents}</ListBucketResult>"
    )


def answer(target):
    """Answer a path as an API that speaks XML does."""
    url = urlsplit(target)
    query = dict(parse_qsl(url.query))
    ids = query.get("ids", "").split(",")
    body = {
        "/feed": feed([3]) if "page" in query else feed([1, 2], "/feed?page=2"),
        "/entries": feed([1, 2]),
        "/objects": {"": objects([1, 2], "t2"), "t2": objects([3], "t3"), "t3": objects([])}[query.get("token", "")],
        "/numbers": f"<r><pages>2</pages><u><n>{query.get('page', 1)}</n></u><u><n>9</n></u></r>",
        "/users": f"<us>{''.join(f'<u><id>{at}</id><v>{at}.5</v></u>' for at in ids if at != '3')}</us>",
        "/user": f"<u><id>{query.get('id')}</id><zip>{'0' * (query.get('id') == '1')}7</zip><p cur='EUR'>5</p></u>",
        "/error": f"<r><error>{'quota' if query.get('id') == '1' else 'false'}</error><v>1</v></r>",
        "/linked": "<r><u><n>2</n></u></r>" if "page" in query else "<r><next>?page=2</next><u><n>1</n></u></r>",
        "/meta": "<r><page size='50'>2</page><us><u><id>1</id></u><u><id>2</id></u></us></r>",
    }[url.path]
    return respond_with(body.encode(), "application/xml")


@pytest.fixture(scope="module")
def url():
    with serve_paths(answer) as base:
        yield base


def test_fault_88_nested_and_repeated_elements_are_columns_lists_and_rows(url):
    """The entries of a feed; explode makes rows of the authors."""
    frame = pd.read_api(url + "/entries")
    assert frame[["id", "zip"]].to_numpy().tolist() == [[1, "001"], [2, "002"]]
    assert frame["author"][0] == [{"name": "A1"}, {"name": "B"}]
    assert pd.read_api(url + "/entries", explode="author")["author.name"].tolist() == ["A1", "B", "A2", "B"]
    assert pd.read_api(url + "/entries", record_path="entry.author")["name"].tolist() == ["A1", "B", "A2", "B"]


def test_record_path_meta_and_columns_take_elements_and_attributes(url):
    """As of JSON."""
    frame = pd.read_api(
        url + "/meta", record_path="us.u", meta=["page", "page.size"], columns={"id": "user", "page.size": "size"}
    )
    assert frame.to_dict("list") == {"user": [1, 2], "size": [50, 50], "page": [2, 2]}


@pytest.mark.parametrize(
    ("path", "options", "column", "cells"),
    [
        ("/feed", {"pages": paio.NextUrl("link")}, "id", [1, 2, 3]),
        ("/feed", {"pages": "auto"}, "id", [1, 2, 3]),
        ("/objects", {"pages": paio.Cursor("NextContinuationToken", param="token")}, "Size", [1, 2, 3]),
        (
            "/objects",
            {
                "pages": paio.Cursor("NextContinuationToken", param="token", more="IsTruncated"),
                "record_path": "Contents",
            },
            "Key",
            ["k1", "k2", "k3"],
        ),
        (
            "/numbers",
            {"pages": paio.PageNumber("page", total_pages="pages"), "record_path": "u"},
            "n",
            [1, 9, 2, 9],
        ),
    ],
    ids=["next url", "auto", "cursor", "flag", "number of pages"],
)
def test_pages_follow_links_tokens_and_numbers_in_xml(url, path, options, column, cells):
    """All of them are texts."""
    frame = pd.read_api(url + path, **options)
    assert frame[column].tolist() == cells


def test_batches_match_the_records_of_xml_by_the_texts_of_keys(url):
    """A key without a record has none."""
    frame = pd.DataFrame({"id": [1, 2, 3]}).aio.fetch(url + "/users?ids={id*}", batch=2)
    assert frame["v"].tolist()[:2] == [1.5, 2.5]
    assert frame["v"].isna().tolist() == [False, False, True]


def test_the_columns_of_many_documents_have_one_type(url):
    """A number in each of 1 000 documents; a zip code with a zero in one of them makes the column text."""
    frame = pd.DataFrame({"key": range(1, 1001)}).aio.fetch(url + "/user?id={key}", schema={"id": "int32"})
    assert frame["id"].tolist() == frame["key"].tolist()
    assert frame["id"].dtype == pd.Int32Dtype()
    assert set(frame["zip"]) == {"07", "7"}
    assert set(frame["p"]) == {5}
    assert set(frame["p.cur"]) == {"EUR"}


def test_error_when_sees_the_texts_of_xml(url):
    """The text false is no error."""
    users = pd.DataFrame({"id": [1, 2]})
    with pytest.warns(paio.FetchWarning, match="error_when says: quota"):
        frame = users.aio.fetch(url + "/error?id={id}", error_when="error")
    assert frame.aio.outcomes["outcome"].tolist() == ["http_error", "ok"]


def test_read_options_are_those_of_pandas_read_xml(url):
    """An XPath, as pandas takes it."""
    options = {"xpath": ".//u", "elems_only": True}
    assert pd.read_api(url + "/meta", read_options=options).to_dict("list") == {"id": [1, 2]}


def test_an_element_with_the_records_of_one_answer_that_is_a_field_of_another_one_is_a_hint(url):
    """The last page has no link beside its one record: record_path says where the records of all pages are."""
    read = {"pages": paio.NextUrl("next"), "errors": "coerce"}
    with pytest.warns(paio.HintWarning, match="record_path='u' reads it alike"):
        frame = pd.read_api(url + "/linked", **read)
    assert list(frame) == ["next", "u.n", "n"]
    assert pd.read_api(url + "/linked", record_path="u", **read)["n"].tolist() == [1, 2]
