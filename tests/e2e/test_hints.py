"""Data that came, and may not be what they seem: a finding in the report, and one hint a run."""

from __future__ import annotations

import warnings

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.servers.scripted import Action, http_response, json_response, serve_script

FRAME = pd.DataFrame({"id": [1, 2, 3]})
PANDAS_2 = pd.__version__.startswith("2.")


def close_delimited(body, content_type):
    """Return the script of a response that ends where its connection ends."""
    return [
        f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nConnection: close\r\n\r\n".encode() + body,
        Action.CLOSE,
    ]


@pytest.mark.parametrize(
    ("content_type", "cut", "whole", "values"),
    [
        ("text/csv", b"a,b\n1,2\n3,4\n5", b"a,b\n1,2\n", [1, 3, 5]),
        ("application/x-ndjson", b'{"a": 1}\n{"a": 3}\n{"a": 5}', b'{"a": 1}\n', [1, 3, 5]),
    ],
)
def test_fault_74_a_body_of_lines_that_may_be_cut_is_ok_with_a_hint(content_type, cut, whole, values):
    """One warning for all rows, after the frame exists; the report names the rows."""
    scripts = [close_delimited(cut, content_type), close_delimited(cut, content_type)]
    with (
        serve_script(*scripts, close_delimited(whole, content_type)) as server,
        pytest.warns(
            paio.HintWarning, match=r"its end may be missing \(row 0 and 1 other\)\. See \.aio\.report"
        ) as caught,
    ):
        out = FRAME.aio.fetch(server.url + "/{id}", concurrency=1, client=paio.Client())
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert out["a"].tolist() == [*values, *values, 1]
    assert out.aio.failures.empty
    (finding,) = out.aio.report.findings
    assert finding.endswith("its end may be missing (row 0 and 1 other)")
    assert caught[0].message.partial.equals(out)


def test_fault_74_json_that_is_cut_is_requested_again():
    """A document has an end, so a cut one is no answer."""
    scripts = [close_delimited(b'{"a": 1, "b', "application/json"), close_delimited(b'{"a": 1}', "application/json")]
    with serve_script(*scripts) as server:
        out = FRAME.head(1).aio.fetch(server.url + "/{id}", client=paio.Client(retry=paio.Retry(base=0.001)))
    assert out["a"].tolist() == [1]
    assert len(server.requests) == 2


def test_a_hint_that_is_an_error_loses_no_frame():
    """-W error: the frame is on the warning."""
    with (
        serve_script(close_delimited(b"a,b\n1,2", "text/csv")) as server,
        warnings.catch_warnings(action="error"),
        pytest.raises(paio.HintWarning) as caught,
    ):
        FRAME.aio.fetch(server.url + "/{id}", client=paio.Client())
    assert caught.value.partial["a"].tolist() == [1, 1, 1]


def test_beside_failed_rows_the_hint_is_in_their_warning():
    """One warning a run."""
    scripts = [close_delimited(b"a,b\n1,2", "text/csv"), http_response(status="404 Not Found")]
    with serve_script(*scripts) as server, pytest.warns(UserWarning, match="rows failed.*may be missing") as caught:
        FRAME.aio.fetch(server.url + "/{id}", concurrency=1, client=paio.Client())
    assert [type(each.message) for each in caught] == [paio.FetchWarning]


def test_fault_93_a_number_that_no_float_holds_is_infinite_with_a_hint():
    """Nested cells included; the report names the columns."""
    body = b'{"a": 1e400, "b": 1.5, "c": [{"d": -1e400}], "e": [1.5, null]}'
    with serve_script(json_response(body)) as server, pytest.warns(paio.HintWarning, match="'a', 'c': infinite where"):
        out = FRAME.aio.fetch(server.url + "/{id}", client=paio.Client())
    assert out["a"].tolist() == [float("inf")] * 3
    with (
        serve_script(json_response(body)) as server,
        pytest.warns(paio.FetchWarning, match="strict_json refuses 1e400"),
    ):
        out = FRAME.aio.fetch(server.url + "/{id}", client=paio.Client(strict_json=True))
    assert set(out.aio.outcomes["outcome"]) == {"parse_error"}


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        ("a,b,c\n1e400,1.5,x\n2,2.5,1e400\n", "text/csv"),
        ("<t><r><a>1e400</a><b>1.5</b><c>x</c></r><r><a>2</a><b>2.5</b><c>1e400</c></r></t>", "application/xml"),
    ],
    ids=["csv", "xml"],
)
@pytest.mark.parametrize("options", [{}, {"schema": {"a": "float64"}}, {"pages": paio.NextUrl()}], ids=str)
def test_fault_93_a_number_of_a_table_that_no_float_holds_is_infinite_with_a_hint(body, media_type, options):
    """In a column of texts it is a text. strict_json is about JSON."""
    if PANDAS_2 and media_type == "text/csv":
        pytest.skip("pandas 2 reads 1e400 of CSV as a text")
    script = http_response(body.encode(), f"Content-Type: {media_type}")
    with serve_script(script) as server, pytest.warns(paio.HintWarning, match="^'a': infinite where") as caught:
        out = FRAME.aio.fetch(server.url + "/{id}", client=paio.Client(strict_json=True), **options)
    assert len(caught) == 1
    assert out["a"].tolist() == [float("inf"), 2] * 3
    assert out["c"].tolist() == ["x", "1e400"] * 3


@pytest.mark.skipif(not PANDAS_2, reason="pandas 3 reads 1e400 of CSV as a number")
def test_fault_93_a_number_of_csv_that_no_float_holds_stays_a_text_on_pandas_2():
    """So nothing is lost."""
    with serve_script(http_response(b"a\n1e400\n2\n", "Content-Type: text/csv")) as server:
        assert FRAME.head(1).aio.fetch(server.url + "/{id}")["a"].tolist() == ["1e400", "2"]


def test_fault_93_an_infinite_number_of_a_parser_is_no_hint():
    """Its frame has what the parser meant."""
    with serve_script(json_response({})) as server:
        out = FRAME.aio.fetch(
            server.url + "/{id}", parser=lambda _: pd.DataFrame({"a": [float("inf")]}), client=paio.Client()
        )
    assert out["a"].tolist() == [float("inf")] * 3


@pytest.mark.parametrize("text", ["1e400", "-1e999", " 2E+308 "])
@pytest.mark.parametrize("spec", ["float64", "float32", "Float64", "list<float64>"])
def test_fault_93_a_text_that_no_float_holds_does_not_fit_a_schema(text, spec):
    value = [text] if spec.startswith("list") else text
    with serve_script(json_response({"a": value})) as server, pytest.warns(paio.FetchWarning, match="schema: column"):
        out = FRAME.aio.fetch(server.url + "/{id}", schema={"a": spec}, client=paio.Client())
    assert set(out.aio.outcomes["outcome"]) == {"parse_error"}


def test_fault_93_a_duplicate_key_is_reported_once():
    """The last value counts; with strict_json each such row is a parse error."""
    body = b'{"a": 1, "b": {"c": 1, "c": 2}}'
    with (
        serve_script(json_response(body)) as server,
        pytest.warns(paio.HintWarning, match="the key 'c' twice") as caught,
    ):
        out = FRAME.aio.fetch(server.url + "/{id}", client=paio.Client())
    assert len(caught) == 1
    assert len(out.aio.report.findings) == 1
    assert out["b.c"].tolist() == [2, 2, 2]
    with serve_script(json_response(body)) as server, pytest.warns(paio.FetchWarning, match="3 x strict_json refuses"):
        FRAME.aio.fetch(server.url + "/{id}", client=paio.Client(strict_json=True))
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "body", [b'{"a": 1}', b"a plain text of some length", b"<html><body>Bad gateway</body></html>"]
)
def test_fault_15_a_text_that_claims_to_be_deflate_is_not_requested_again(body):
    """It is a parse error, not a cut body."""
    with serve_script(http_response(body, "Content-Encoding: deflate")) as server, pytest.warns(paio.FetchWarning):
        out = FRAME.aio.fetch(server.url + "/{id}", client=paio.Client(retry=paio.Retry(base=0.001)))
    assert set(out.aio.outcomes["outcome"]) == {"parse_error"}
    assert len(server.requests) == 3


def test_a_raw_file_host_serves_tables_as_text():
    """The suffix of the URL says what the media type does not."""
    answer = http_response(b"a,b\n1,2\n", "Content-Type: text/plain; charset=utf-8", "Content-Encoding: utf-8")
    with serve_script(answer) as server:
        out = FRAME.aio.fetch(server.url + "/data/{id}.csv?raw=true", client=paio.Client())
    assert out["b"].tolist() == [2, 2, 2]


MESSAGE = http_response(b"Invalid MAP_KEY.", "Content-Type: text/csv")
TABLE = http_response(b"lat,lon\n1.5,2.5\n", "Content-Type: text/csv")
EMPTY_TABLE = http_response(b"lat,lon\n", "Content-Type: text/csv")


@pytest.mark.parametrize(
    ("answers", "options"),
    [
        ([MESSAGE, EMPTY_TABLE, EMPTY_TABLE], {"columns": ["lat", "lon"]}),
        ([MESSAGE, MESSAGE, EMPTY_TABLE], {"schema": {"lat": "float64"}}),
        ([MESSAGE, TABLE, EMPTY_TABLE], {}),
        ([MESSAGE, TABLE, http_response(b"lat\n", "Content-Type: text/csv")], {}),
        ([http_response(b"Invalid key, sorry.", "Content-Type: text/csv"), TABLE, TABLE], {"columns": ["lat"]}),
        ([http_response(b'{"Note": "wait"}', "Content-Type: text/csv"), TABLE, TABLE], {"columns": ["lat"]}),
    ],
    ids=["columns", "schema", "others have columns", "others have some", "a comma", "JSON"],
)
def test_fault_87_a_message_in_place_of_a_table_fails_its_row(answers, options):
    """Where columns are asked for, or other answers have them; it shows the text, and a header alone is no message."""
    with serve_script(*answers) as server:
        client = paio.Client()
        with pytest.warns(paio.FetchWarning, match=r"in place of a table: '.*(Invalid|wait)"):
            out = FRAME.aio.fetch(server.url + "/{id}", concurrency=1, client=client, **options)
        failed = answers.count(MESSAGE) or 1
        assert out.aio.outcomes["outcome"].tolist() == ["parse_error"] * failed + ["ok"] * (3 - failed)
        assert not [name for name in out.columns if "Invalid" in name]


def test_fault_87_a_row_that_had_a_message_may_be_sent_again():
    """Its columns are then those of one run; a message again fails it again."""
    with serve_script(MESSAGE, TABLE, TABLE, MESSAGE, TABLE) as server:
        with pytest.warns(paio.FetchWarning):
            out = FRAME.aio.fetch(server.url + "/{id}", concurrency=1, client=paio.Client())
        with pytest.warns(paio.FetchWarning):
            out = out.aio.retry_failed()
        assert out.aio.outcomes["outcome"].tolist() == ["parse_error", "ok", "ok"]
        assert list(out.columns) == ["id", "lat", "lon"]
        out = out.aio.retry_failed()
    assert out["lat"].tolist() == [1.5, 1.5, 1.5]
    assert list(out.columns) == ["id", "lat", "lon"]


def test_fault_87_a_sentence_alone_gives_a_hint():
    """Nothing shows what the columns are."""
    with (
        serve_script(MESSAGE) as server,
        pytest.warns(paio.HintWarning, match="one line of text, 'Invalid MAP_KEY.', and no row: is it a message"),
    ):
        FRAME.aio.fetch(server.url + "/{id}", client=paio.Client())
    with serve_script(http_response(b"id\n", "Content-Type: text/csv")) as server:
        FRAME.aio.fetch(server.url + "/{id}", client=paio.Client())


def test_fault_87_another_delimiter_is_a_question():
    """The error says what to write for each answer to it."""
    table = http_response(b"Ort;Wert\nUlm;1,5\nBonn;2\n", "Content-Type: text/csv")
    with serve_script(table) as server:
        url, client = server.url + "/{id}", paio.Client()
        with pytest.warns(paio.FetchWarning, match="which one is it"):
            out = FRAME.aio.fetch(url, client=client)
        (error,) = set(out.aio.failures["error"])
        assert "read_options={'sep': ';', 'decimal': ','}" in error
        out = FRAME.aio.fetch(url, read_options={"sep": ";", "decimal": ","}, client=client)
    assert out["Wert"].tolist() == [1.5, 2] * 3


def test_epoch_numbers_are_times_and_the_report_says_how_they_were_read():
    """A unit in the type is obeyed; by size it is noted without a warning, and a belied one warns."""
    with serve_script(json_response({"t": 1767268800000}), json_response({"t": None})) as server:
        url, client, two = server.url + "/{id}", paio.Client(), FRAME.head(2)
        out = two.aio.fetch(url, schema={"t": "datetime64[UTC]"}, concurrency=1, client=client)
    assert out["t"].tolist() == [pd.Timestamp("2026-01-01 12:00", tz="UTC"), pd.NaT]
    assert out.aio.report.findings == ("column 't': its numbers are read as ms since 1970, by the size of the largest",)
    with serve_script(json_response({"t": 1767268800})) as server, pytest.warns(paio.HintWarning, match="they are s"):
        two.aio.fetch(server.url + "/{id}", schema={"t": "datetime64[ns, UTC]"}, client=client)
