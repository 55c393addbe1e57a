"""`look`: one request, and options that work; and the hint where nothing was said."""

from __future__ import annotations

import inspect
import warnings

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import http_response, json_response, serve_function

DAYS = ("2024-01-02", "2024-01-03")
ROWS = [{"id": number, "at": f"2024-01-02T03:0{number}:00Z", "price": "1.50"} for number in range(7)]


def page_of(request, rows=ROWS, size=3):
    number = int(request.target.partition("page=")[2].partition("&")[0] or 1)
    return number, rows[size * number - size : size * number]


def world_bank(request):
    number, rows = page_of(request)
    return [{"page": number, "pages": 3, "total": 7}, rows]


def orders(request):
    number, rows = page_of(request)
    return {"request_id": "r-1", "page": number, "total_pages": 3, "orders": rows}


SHAPES = {
    "records": (lambda _: ROWS, 7),
    "one record": (lambda _: {"id": 1, "address": {"city": "B"}}, 1),
    "columns": (
        lambda _: {"lat": 52.5, "hourly": {"time": ["2024-01-01T00:00", "2024-01-01T01:00"], "t": [1, 2]}},
        2,
    ),
    "header row": (lambda _: [["NAME", "P1"], ["Alabama", "5024279"], ["Ohio", "733391"]], 2),
    "index": (lambda _: {"Meta Data": {"a": "x"}, "Time Series": {day: {"1. open": "1.5"} for day in DAYS}}, 2),
    "rates": (lambda _: {"base": "EUR", "rates": {"USD": 1.1, "GBP": 0.9}}, 2),
    "split": (lambda _: {"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}, 2),
    "rows and columns": (lambda _: {"columns": [{"name": "a"}, {"name": "b"}], "rows": [[1, 2], [3, 4]]}, 2),
    "pair": (world_bank, 7),
    "pages": (orders, 7),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_suggested_options_read_the_answer(shape):
    """They go to `read_api` as they are, and also as they are shown."""
    make_payload, count = SHAPES[shape]
    with serve_function(lambda request: json_response(make_payload(request))) as server:
        found = paio.look(server.url + "/x")
        assert len(server.requests) == 1
        frame = paio.read_api(server.url + "/x", **{"pages": None, **found.options})
        assert len(frame) == count
        shown = repr(found).partition("Suggested options:\n")[2].rpartition("    ")[2]
        assert shown
        pasted = "".join(line for line in repr(found).splitlines() if line.startswith("    ") and line.endswith(","))
        again = paio.read_api(server.url + "/x", **{"pages": None, **eval(f"dict({pasted})", {"paio": paio})})
    pd.testing.assert_frame_equal(frame, again)
    assert set(found.options.get("columns", frame.columns)) == set(frame.columns)


def test_types_are_suggested_with_the_columns():
    """Times and numbers in texts."""
    with serve_function(lambda request: json_response(ROWS)) as server:
        found = paio.look(server.url)
        frame = paio.read_api(server.url, **found.options)
    assert found.options["schema"] == {"at": "datetime64[ns, UTC]", "price": "float64"}
    assert frame["at"].dt.tz is not None
    assert frame["price"].dtype == "float64"


def test_a_table_is_looked_at_too():
    """As CSV; the options that its payload depends on are repeated."""
    with serve_function(lambda request: http_response(b"id;day\n1;2024-01-02\n", "Content-Type: text/plain")) as server:
        found = paio.look(server.url, format="csv", read_options={"sep": ";"})
        frame = paio.read_api(server.url, **found.options)
    assert frame["day"].tolist() == [pd.Timestamp("2024-01-02")]


def test_over_fills_the_template_with_its_first_values():
    """One request is sent, whatever the number of values."""
    with serve_function(lambda request: json_response({"id": 1})) as server:
        paio.look(server.url + "/{of}", over={"of": ["a", "b"]})
        assert [request.target for request in server.requests] == ["/a"]


def test_a_secret_of_the_url_is_not_shown():
    """Nor one of the call's credentials in the payload."""
    with serve_function(lambda request: json_response({"id": 1})) as server:
        found = paio.look(server.url + "/?api_key=S3cretS3cret", auth=paio.Bearer("T0kenT0kenT0ken"))
    assert "S3cretS3cret" not in repr(found) + found._repr_html_()


def test_a_failure_raises():
    """With the answer's message, and wrong options before anything is sent."""
    with serve_function(lambda request: json_response({"message": "no such thing"}, status="404 Not Found")) as server:
        with pytest.raises(paio.FetchError, match="404"):
            paio.look(server.url)
        with pytest.raises(paio.PlanError, match="one URL template"):
            paio.look([server.url])
        with pytest.raises(TypeError, match="columns"):
            paio.look(server.url, columns=["id"])
        assert len(server.requests) == 1


def test_the_signature_has_the_options_of_sending():
    """Those of the shape are what look suggests."""
    names = list(inspect.signature(paio.look).parameters)
    assert names[0] == "url"
    assert {"params", "headers", "auth", "client"} <= set(names)
    assert "record_path" not in names
    assert "auth : " in paio.look.__doc__
    assert "record_path :" not in paio.look.__doc__


@pytest.mark.parametrize("shape", ["columns", "header row", "index", "split", "rows and columns", "pair"])
def test_an_answer_in_one_of_the_shapes_gives_one_hint(shape):
    """The result stays; what the hint says works."""
    make_payload, count = SHAPES[shape]
    frame = pd.DataFrame({"of": range(20)})
    with serve_function(lambda request: json_response(make_payload(request))) as server:
        with pytest.warns(paio.HintWarning, match="the answer looks like") as caught:
            found = frame.aio.fetch(server.url + "/?of={of}", pages=None)
        assert len(caught) == 1
        assert (found.aio.outcomes["outcome"] == "ok").all()
        (finding,) = found.aio.report.findings
        options = eval(f"dict({finding.partition(': ')[2].partition(' makes ')[0]})")
        with warnings.catch_warnings(action="error"):
            assert len(frame.aio.fetch(server.url + "/?of={of}", pages=None, **options)) == 20 * min(count, 3)


def test_xml_is_looked_at_as_json_is():
    """Its repeated elements are the records."""
    body = b"<feed><title>F</title><entry><id>1</id><n>a</n></entry><entry><id>2</id><n>b</n></entry></feed>"
    with serve_function(lambda request: http_response(body, "Content-Type: application/xml")) as server:
        found = paio.look(server.url)
        frame = paio.read_api(server.url, **found.options)
    assert frame["id"].astype(str).tolist() == ["1", "2"]
