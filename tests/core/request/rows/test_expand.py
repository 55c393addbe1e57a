"""The rows of a frame as distinct requests: against a row-by-row reference, and rule by rule."""

import datetime as dt
import json
from decimal import Decimal
from urllib.parse import parse_qsl
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pandas_async_io._core.errors import PlanError, TemplateError, UnknownFieldError
from pandas_async_io._core.request.cell_values.cells import render_cell, to_json_value
from pandas_async_io._core.request.request_template import compile_request_template
from pandas_async_io._core.request.rows.expand import expand
from pandas_async_io._core.request.template.text_template import TextTemplate
from pandas_async_io._core.request.template.url_template import UrlTemplate
from tests.core.request.optional_fields import optional_fields

HOST = "https://api.example.com"
CELLS = [
    True,
    1,
    1.0,
    "1",
    "true",
    None,
    np.nan,
    pd.NA,
    np.inf,
    "",
    "a",
    "b",
    "a-b",
    "a,b",
    "é/ &{a}",
    ".",
    "..",
    "x\n",
]
CELLS += [Decimal("1.0"), dt.date(2024, 1, 1), ["a", "b"], ["b"], {"a": "b"}, "../a", "%2e%2e"]
CELLS += [[1, 2.5, None], ["1", "2.5"], {"a": 1, "b": None}]
FRAMES = st.lists(st.tuples(st.sampled_from(CELLS), st.sampled_from(CELLS)), max_size=8)
URLS = [
    "/{a}",
    "/{a}/{b}",
    "/{a}-{b}",
    "/x{?a,b}",
    "{?a}{b}",
    "/{b}{?a}",
    "/x?q={a}{&b*}",
    "{/a*}",
    "/{+a}",
    "/{;a,b}",
    "/x",
    "/x{?a}{&b}",
    "/x{&a}",
    "/x{?a}&r={b}",
    "/x{?a}{?b}",
    "/{a}{&b}?r=1",
]
PARTS = [
    {},
    {"headers": {"X-A": "{a}"}},
    {"headers": {"X-A": "<{a}{b}>", "X-B": "{{b}}"}},
    {"json": {"q": "{a}", "r": ["{b}"]}},
    {"json": {"q": "{a}", "text": "x {a}"}},
    {"data": "{a} {{b}} {c d}"},
    {"data": {"k": ["{a}", "{b}"]}},
    {"params": {"p": "{a}"}},
]


def frame_of(rows):
    """Return a frame of two object columns."""
    frame = pd.DataFrame(index=range(len(rows)))
    for at, name in enumerate("ab"):
        column = np.empty(len(rows), dtype=object)
        column[:] = [row[at] for row in rows]
        frame[name] = pd.Series(column, dtype=object)
    return frame


def fill(cells, texts, written):
    """Fill a text, as the reference does: lists and mappings are JSON."""
    parts = TextTemplate.compile(written).parts
    return "".join(part if isinstance(part, str) else fill_field(cells, texts, part.name) for part in parts)


def fill_field(cells, texts, name):
    """Return what a field of a text becomes."""
    if isinstance(texts[name], str):
        return texts[name]
    return json.dumps(to_json_value(cells[name]), separators=(",", ":"), ensure_ascii=False)


def fill_json(cells, texts, value):
    """Fill a JSON value, as the reference does."""
    if isinstance(value, dict):
        return {key: fill_json(cells, texts, item) for key, item in value.items()}
    if isinstance(value, list):
        return [fill_json(cells, texts, item) for item in value]
    alone = TextTemplate.compile(value).sole_field
    return fill(cells, texts, value) if alone is None else to_json_value(cells[alone])


def naive(row, url, parts):
    """Return the request of one row, "null_key" or "unsafe_url": the reference."""
    cells = dict(zip("ab", row, strict=True))
    texts = {name: render_cell(cell) for name, cell in cells.items()}
    template = UrlTemplate.compile(HOST + "/" * url.startswith("{?") + url)
    params = parts.get("params", {})
    header_texts = list(parts.get("headers", {}).values())
    body_texts = [parts["data"]] if isinstance(parts.get("data"), str) else parts.get("data", {}).get("k", [])
    inside = [part for part in parts.get("json", {}).values() if part == "x {a}"]
    literal = {
        name
        for part in [*params.values(), *header_texts, *body_texts, *inside]
        for name in TextTemplate.compile(part).fields
    }
    wholes = (
        {"a", "b"} & {"a", *("b" for part in parts["json"].values() if part == ["{b}"])} if "json" in parts else set()
    )
    form_texts = [] if isinstance(parts.get("data"), str) else body_texts
    lone = {name for part in [*params.values(), *form_texts] for name in TextTemplate.compile(part).fields}
    needed = (set(template.fields) - optional_fields(template)) | (literal - lone)
    used = set(template.fields) | literal | wholes
    exposed = set(template.fields) | {
        n for part in [*params.values(), *header_texts] for n in TextTemplate.compile(part).fields
    }
    if any(isinstance(texts[name], str) and "\n" in texts[name] for name in exposed):
        return "unsafe_url"
    empty_path = {name for name in template.path_fields if texts[name] == ""}
    some = any(texts[name] is not None and name not in empty_path for name in set(template.fields) | literal)
    some = some or any(to_json_value(cells[name]) is not None for name in wholes)
    if used and (not some or any(texts[name] is None for name in needed) or empty_path & needed):
        return "null_key"
    if params and texts["a"] is not None:
        url = (
            url.replace("{?", "?p={a}{&", 1)
            if "{?" in url
            else f"{url}{'&' if '?' in url or '{&' in url else '?'}p={{a}}"
        )
        template = UrlTemplate.compile(HOST + "/" * url.startswith("?") + url)
    whole = template.expand(texts)
    if "+" not in url:  # values are encoded, so each of these characters starts a part of the query
        whole = whole.replace("&", "?").replace("?", "&").replace("&", "?", 1)
    path = whole.partition("?")[0].replace("%252e", ".").replace("%2e", ".").replace("%2F", "/")
    if {".", ".."} & set(path.split("/")):
        return "unsafe_url"
    headers = {name: fill(cells, texts, value) for name, value in parts.get("headers", {}).items()}
    return whole, tuple(sorted(headers.items())), body_of(cells, texts, parts)


def body_of(cells, texts, parts):
    """Return the body of the reference."""
    if "json" in parts:
        return json.dumps(fill_json(cells, texts, parts["json"]))
    if isinstance(parts.get("data"), str):
        return fill(cells, texts, parts["data"])
    if "data" not in parts:
        return None
    present = [part for part in parts["data"]["k"] if texts[TextTemplate.compile(part).sole_field] is not None]
    return str([("k", fill(cells, texts, part)) for part in present])


def comparable(request, parts):
    """Return a request in the form of `naive`."""
    headers = {name: value for name, value in request.headers.items() if name != "Content-Type"}
    body = request.body.decode() if request.body is not None else None
    if "json" in parts:
        body = json.dumps(json.loads(body))
    elif isinstance(parts.get("data"), dict):
        body = str(parse_qsl(body, keep_blank_values=True))
    return request.url, tuple(sorted(headers.items())), body


@settings(max_examples=200, deadline=None)
@given(FRAMES, st.sampled_from(URLS), st.sampled_from(PARTS), st.sampled_from(["GET", "POST"]))
def test_fault_54_rows_make_the_requests_of_a_loop_each_once(rows, url, parts, method):
    """Different requests are never merged, and equal ones are sent once. POST is never merged."""
    expected = [naive(row, url, parts) for row in rows]
    expansion = expand(frame_of(rows), compile_request_template(HOST + url, method=method, **parts))
    requests = [comparable(expansion.request(at, expansion.headers), parts) for at in range(len(expansion))]
    found = [requests[at] if at >= 0 else None for at in expansion.row_to_request.tolist()]
    outcomes = [one or ("unsafe_url" if row in expansion.unsafe else "null_key") for row, one in enumerate(found)]
    assert outcomes == expected
    sent = [one for one in expected if not isinstance(one, str)]
    assert requests == (list(dict.fromkeys(sent)) if method == "GET" else sent)
    assert sorted(np.concatenate([*expansion.origins.values(), []]).tolist()) == list(range(len(requests)))


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])
def test_only_safe_methods_are_merged(method):
    """Equal requests of an unsafe method are all sent."""
    expansion = expand(pd.DataFrame({"a": [1, 1]}), compile_request_template(HOST + "/{a}", method=method))
    assert len(expansion) == (1 if method in {"GET", "HEAD", "OPTIONS"} else 2)


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (pd.Series([1.0, np.nan, 2.0]), ["1", None, "2"]),
        (pd.Series([1, None, 1], dtype="Int64"), ["1", None, "1"]),
        (pd.Series([True, None, False], dtype="boolean"), ["true", None, "false"]),
        (pd.Series(["b", None, "a"], dtype="category"), ["b", None, "a"]),
        (pd.Series([2.0, None, 1.5], dtype="category"), ["2", None, "1.5"]),
        (pd.Series(["x", None, "x"], dtype="string[pyarrow]"), ["x", None, "x"]),
        (pd.Series([1, None, 3], dtype="int64[pyarrow]"), ["1", None, "3"]),
        (pd.Series([1.0, None, np.inf], dtype="double[pyarrow]"), ["1", None, None]),
        (
            pd.Series(pd.to_datetime(["2024-05-01 12:00", None, "2024-05-02 00:00"])),
            ["2024-05-01T12%3A00%3A00", None, "2024-05-02T00%3A00%3A00"],
        ),
        (pd.Series(pd.to_datetime(["2024-05-01", None], utc=True)), ["2024-05-01T00%3A00%3A00%2B00%3A00", None]),
        (pd.Series([dt.date(2024, 5, 1), None]), ["2024-05-01", None]),
        (pd.Series([UUID(int=1), None]), [str(UUID(int=1)), None]),
        (pd.Series([Decimal("1.10"), Decimal("1.1")]), ["1.10", "1.1"]),
        (pd.Series([True, 1, 1.0, "1"], dtype=object), ["true", "1", "1", "1"]),
        (pd.Series([["a", "b"], [], ["a,b"]]), ["a,b", None, "a%2Cb"]),
    ],
    ids=lambda value: str(getattr(value, "dtype", "")) or None,
)
def test_fault_55_and_56_a_value_has_one_text_in_every_dtype(column, texts):
    """A row without a text is a null_key."""
    expansion = expand(column.to_frame("a"), compile_request_template(HOST + "/{a}"))
    urls = [
        expansion.urls[at].removeprefix(HOST + "/") if at >= 0 else None for at in expansion.row_to_request.tolist()
    ]
    assert urls == texts
    assert len(expansion.urls) == len(set(expansion.urls))
    assert not expansion.unsafe


def test_fault_55_a_null_among_many_distinct_values_stays_null():
    """An optional field that is null is left out, also where the column is rendered in blocks."""
    frame = pd.DataFrame({"id": [1, 2, 3], "a": pd.array([10, None, 30], "Int64")})
    assert expand(frame, compile_request_template(HOST + "/{id}{?a}")).urls == [
        f"{HOST}/1?a=10",
        f"{HOST}/2",
        f"{HOST}/3?a=30",
    ]


def test_exploded_fields_take_lists_and_mappings():
    """``*`` repeats a name for a list and takes the names of a mapping."""
    frame = pd.DataFrame({"tag": [["x", "y z"], {"k": 1, "l": None}, "one", [], None], "id": 1})
    expansion = expand(frame, compile_request_template(HOST + "/{id}{?tag*}"))
    assert [url.removeprefix(HOST) for url in expansion.urls] == ["/1?tag=x&tag=y%20z", "/1?k=1", "/1?tag=one", "/1"]
    assert expansion.row_to_request.tolist() == [0, 1, 2, 3, 3]


def test_equal_requests_from_different_values_are_sent_once():
    """A list and a mapping with the same URL are one request."""
    cells = pd.Series([["k", "v"], {"k": "v"}], dtype=object)
    assert expand(cells.to_frame("a"), compile_request_template(HOST + "/{a}")).urls == [f"{HOST}/k,v"]


def test_json_bodies_keep_types_and_nesting():
    """Numbers, booleans, lists and objects keep their type, and a null is null."""
    frame = pd.DataFrame(
        {"id": [1], "f": [1.0], "n": [None], "tags": [[{"x": [1]}, None]], "ok": [True], "big": [2**70]}
    )
    frame["day"] = pd.Timestamp("2024-05-01")
    body = {"id": "{id}", "f": "{f}", "n": "{n}", "tags": "{tags}", "ok": "{ok}", "big": "{big}", "day": "{day}"}
    body |= {"text": "no. {id} {{id}} {not one}", "fixed": [1, None, 2.5, {"{id}": True}]}
    expansion = expand(frame, compile_request_template(HOST, method="POST", json=body))
    assert json.loads(expansion.request(0, {}).body) == {
        "id": 1,
        "f": 1.0,
        "n": None,
        "tags": [{"x": [1]}, None],
        "ok": True,
        "big": 2**70,
        "day": "2024-05-01T00:00:00",
        "text": "no. 1 {id} {not one}",
        "fixed": [1, None, 2.5, {"{id}": True}],
    }


def test_safe_requests_with_different_bodies_are_not_merged():
    """In the body of a GET, 1 and "1" are two requests, 1 and 1 are one."""
    frame = pd.DataFrame({"a": pd.Series([1, "1", 1, True], dtype=object)})
    template = compile_request_template(HOST, method="GET", json={"q": "{a}"})
    assert expand(frame, template).row_to_request.tolist() == [0, 1, 0, 2]


def test_safe_requests_with_different_lists_in_a_text_are_not_merged():
    """A list keeps its numbers and nulls: [1] and ["1"] are two texts."""
    lists = pd.DataFrame({"a": pd.Series([[1, None], ["1"], [1], [1], [1, None], {"n": 1}], dtype=object)})
    expansion = expand(lists, compile_request_template(HOST, method="GET", data='{"q": {a}}'))
    assert expansion.row_to_request.tolist() == [0, 1, 2, 2, 0, 3]
    bodies = [expansion.request(at, {}).body.decode() for at in range(4)]
    assert bodies == ['{"q": [1,null]}', '{"q": ["1"]}', '{"q": [1]}', '{"q": {"n":1}}']


def test_a_mapping_with_a_null_name_in_a_text_raises_before_anything_is_sent():
    with pytest.raises(PlanError, match=r"field \{a\}: a mapping has a null among its names"):
        expand(pd.DataFrame({"a": [{None: 1, "b": 2}]}), compile_request_template(HOST, data="x {a}"))


@pytest.mark.parametrize("value", ["\r\nHost: evil", "a\nb", "a\0", "\x7f", "\x85"])
@pytest.mark.parametrize("options", [{}, {"headers": {"X-A": "{a}"}}, {"params": {"q": "{a}"}}])
def test_security_s4_and_s15_a_row_with_control_characters_is_not_sent(value, options):
    """The other rows are."""
    url = HOST + ("/x" if options else "/{a}")
    expansion = expand(pd.DataFrame({"a": [value, "fine"]}), compile_request_template(url, **options))
    assert expansion.row_to_request.tolist() == [-1, 0]
    assert "{a}" in expansion.unsafe[0]
    assert value not in expansion.unsafe[0]


@pytest.mark.parametrize("value", ["\r\nHost: evil", ["a\n"], {"a\n": "b"}])
def test_security_s4_control_characters_inside_lists_are_found(value):
    """The names of a mapping are checked, too."""
    assert list(expand(pd.DataFrame({"a": [value]}), compile_request_template(HOST + "{?a*}")).unsafe) == [0]


@pytest.mark.parametrize("options", [{"data": "{a}"}, {"data": {"k": "{a}"}}, {"json": {"k": "x {a}"}}])
def test_a_body_may_hold_line_ends_but_no_lone_surrogate(options):
    """A line break is data in a body. A lone surrogate cannot be encoded, and its row is not sent."""
    frame = pd.DataFrame({"a": pd.Series(["a\nb", "\ud800"], dtype=object)})
    expansion = expand(frame, compile_request_template(HOST, method="POST", **options))
    assert expansion.row_to_request.tolist() == [0, -1]
    assert list(expansion.unsafe) == [1]
    assert expansion.request(0, {}).body


@pytest.mark.parametrize("url", ["/u/{a}/z", "/u/{a}", "/u/{+a}/z", "/u{/a}", "/u/.{a}", "/u/{a}.", "{/a}?q=1"])
def test_security_s1_a_value_cannot_change_the_path(url):
    """A row is not sent if its value makes a dot segment in any encoding."""
    values = {"/u/.{a}": ["."], "/u/{a}.": ["."]}.get(url, [".", "..", "%2e%2e", "../x", "a/../b", "..\\x", ".%2E"])
    expansion = expand(pd.DataFrame({"a": [*values, "v1.5"]}), compile_request_template(HOST + url))
    assert sorted(expansion.unsafe) == list(range(len(values)))
    assert len(expansion) == 1
    assert expansion.row_to_request.tolist() == [-1] * len(values) + [0]


@given(st.text(max_size=8), st.text(max_size=8))
def test_security_s2_and_s3_a_value_stays_in_its_place(a, b):
    """The template alone decides host, path depth and query names."""
    frame = pd.DataFrame({"a": pd.Series([a], dtype=object), "b": pd.Series([b], dtype=object)})
    expansion = expand(frame, compile_request_template(HOST + "{?a}{b}"))
    assert all(url.startswith(HOST + "/") for url in expansion.urls)
    for url in expand(frame, compile_request_template(HOST + "/x/{a}?q={b}&z=1")).urls:
        path, _, query = url.removeprefix(HOST).partition("?")
        assert path.count("/") == 2
        assert parse_qsl(query, keep_blank_values=True) == [("q", b), ("z", "1")]


def test_security_s2_an_undefined_optional_field_does_not_extend_the_host():
    """Where ``{?a}`` after the host is undefined, the next field is still in the path."""
    frame = pd.DataFrame({"a": [None, None], "b": [".evil.example", "@evil.example"]})
    expansion = expand(frame, compile_request_template(HOST + "{?a}{b}"))
    assert [url.removeprefix(HOST) for url in expansion.urls] == ["/.evil.example", "/%40evil.example"]


def test_security_s2_hosts_from_rows_must_be_allowed():
    """The host that is checked is the host that is connected to."""
    hosts = [
        "a.example.com",
        "A.example.com:8080",
        "evil.example",
        "evil.example/.example.com",
        "evil.example#.example.com",
    ]
    hosts += ["a.example.com@evil.example", "evil.example\\.example.com", None]
    allow = ["*.example.com"]
    frame = pd.DataFrame({"h": hosts})
    expansion = expand(frame, compile_request_template("https://{+h}/x", allow_hosts=allow), allow_hosts=allow)
    assert expansion.row_to_request.tolist() == [0, 1, -1, -1, -1, -1, -1, -1]
    assert [str(origin) for origin in expansion.origins] == ["https://a.example.com", "https://a.example.com:8080"]
    assert sorted(expansion.unsafe) == [2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("url", "error", "message"),
    [
        ("/{usr_id}", UnknownFieldError, r"nearest: \{user_id\}"),
        ("/{user_id", TemplateError, "brace"),
        ("/{user id}", TemplateError, "user%20id"),
        ("/{at}", PlanError, r"field \{at\}.*complex"),
    ],
)
def test_fault_57_an_invalid_template_or_column_raises_once(url, error, message):
    """It raises before any request, not once per row."""
    frame = pd.DataFrame({"user_id": [1], "at": [1j]})
    with pytest.raises(error, match=message):
        expand(frame, compile_request_template(HOST + url))


def test_index_levels_and_labels_that_are_no_text_are_fields():
    """A level is matched by its name, a label by its text, also where the index has duplicates."""
    index = pd.MultiIndex.from_tuples([("x", 1), ("x", 1)], names=["shop", "Page No"])
    frame = pd.DataFrame({7: ["a", "b"], "User ID": [1, 2]}, index=index)
    expansion = expand(frame, compile_request_template(HOST + "/{shop}/{7}?u={User%20ID}&p={Page%20No}"))
    assert [url.removeprefix(HOST) for url in expansion.urls] == ["/x/a?u=1&p=1", "/x/b?u=2&p=1"]


def test_expanding_does_not_change_the_frame():
    """The frame is equal to its copy from before."""
    frame = pd.DataFrame({"a": [[1], None], "b": pd.Categorical(["x", None])})
    before = frame.copy(deep=True)
    expand(frame, compile_request_template(HOST + "{?a*,b}"))
    pd.testing.assert_frame_equal(frame, before)


def test_a_template_without_fields_makes_one_request():
    """All rows share it. Without rows there is no request."""
    assert len(expand(pd.DataFrame({"a": []}), compile_request_template(HOST + "/{a}"))) == 0
    expansion = expand(pd.DataFrame(index=[5, 5]), compile_request_template(HOST))
    assert (expansion.urls, expansion.row_to_request.tolist()) == ([f"{HOST}/"], [0, 0])


@pytest.mark.parametrize("distinct", [1_000, 200_000])
def test_fault_53_and_54_many_rows_make_their_distinct_requests(distinct):
    """200,000 rows make one request per distinct key, in the order of first appearance."""
    keys = np.random.default_rng(0).permutation(200_000) % distinct
    expansion = expand(pd.DataFrame({"id": keys, "kind": "a"}), compile_request_template(HOST + "/{kind}/{id}"))
    assert len(expansion) == distinct
    numbers = np.array([int(url.rpartition("/")[2]) for url in expansion.urls])
    assert (numbers[expansion.row_to_request] == keys).all()
    assert numbers.tolist() == list(dict.fromkeys(keys.tolist()))
