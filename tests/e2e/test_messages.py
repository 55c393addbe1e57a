"""What the package says about a mistake: what happened, where, and what to write."""

import re
from sys import _getframe

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.ids import stable
from tests.servers.handler import serve_handler
from tests.servers.scripted import http_response, json_response, refused_url, serve_function, serve_script

FRAME = pd.DataFrame({"id": [1, 2]})
ORDER = {"no": 7, "address": {"city": "Bo"}, "items": [{"sku": "a", "qty": 1}]}


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (
            {"columns": ["sku", "address.city"], "record_path": "items"},
            "no record has 'address.city': it is outside of the records: add meta=['address.city']",
        ),
        ({"columns": ["sku", "qyt"], "record_path": "items"}, "no record has 'qyt': nearest: 'qty'"),
        ({"columns": ["zzz"], "record_path": "items"}, "no record has 'zzz': the first one has 'sku', 'qty'"),
        ({"columns": ["sku"]}, "no record has 'sku': it is in a list: record_path='items', columns=['sku']"),
        (
            {"columns": ["items.sku"]},
            "no record has 'items.sku': it is in a list: record_path='items', columns=['sku']",
        ),
        ({"columns": ["adress.city"]}, "no record has 'adress.city': nearest: 'address.city'"),
    ],
    ids=stable,
)
def test_a_missing_column_is_explained_by_what_the_records_have(options, hint):
    with serve_script(json_response(ORDER)) as server, pytest.warns(paio.HintWarning, match=re.escape(hint)):
        FRAME.aio.fetch(server.url + "/{id}", client=paio.Client(), **options)


def test_a_series_of_ids_is_refused_before_the_first_request():
    with pytest.raises(paio.PlanError, match=r"each a str, not int: for the ids .* df\.aio\.fetch\('.*\{id\}'\)"):
        pd.Series(range(200)).aio.fetch()


def test_texts_that_are_no_urls_are_one_cause():
    with pytest.warns(paio.FetchWarning, match=r"200 of 200 rows failed: 200 x not a URL; for the ids ") as caught:
        pd.Series(map(str, range(200))).aio.fetch()
    assert "other cause" not in str(caught[0].message)


def test_a_body_that_is_json_in_a_str_warns():
    """It would be encoded twice; a plain text is a JSON value like others. One warning a call."""
    with serve_script(http_response()) as server:
        with pytest.warns(paio.FetchWarning, match="a str that holds JSON.*pass the dict") as caught:
            FRAME.aio.fetch(server.url, method="POST", json='{"text": "{id}"}', client=paio.Client())
        assert len(caught) == 1
        FRAME.aio.fetch(server.url, method="POST", json="{id}", client=paio.Client())
        FRAME.aio.fetch(server.url, method="POST", json="about {id}", client=paio.Client())


@pytest.mark.parametrize("status", ["405 Method Not Allowed", "400 Bad Request"])
@pytest.mark.parametrize("body", ["json", "data"])
def test_a_body_with_get_that_is_refused_names_post(status, body):
    with (
        serve_script(http_response(status=status)) as server,
        pytest.warns(paio.FetchWarning, match=rf"{body}= with GET: method='POST'\?") as caught,
    ):
        out = FRAME.aio.fetch(server.url, method="GET", **{body: {"a": "{id}"}}, client=paio.Client())
    assert "?. " not in str(caught[0].message)
    assert out.aio.failures["error"].str.contains("method='POST'").all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"read_options": ";"}, r"read_options=';': .*mapping"),
        ({"headers": {"X": None}}, "headers: 'X': its value is None, and must be a str"),
        ({"retry": "3"}, "retry='3': pass a Retry, or the number of attempts, from 1, but a str"),
        ({"timeout": "30"}, "timeout='30' is not a number of seconds above 0, .*, but a str"),
        ({"deadline": "1min"}, "deadline='1min' is not a number of seconds above 0, .*, but a str"),
        ({"max_requests": "5"}, "max_requests='5' is not a whole number above 0, but a str"),
        ({"client": paio.Client}, "client=<class .*pass a Client"),
    ],
    ids=stable,
)
def test_a_value_of_a_wrong_type_says_the_type_that_came(options, message):
    with pytest.raises(paio.PlanError, match=message):
        FRAME.aio.fetch("https://api.example.com/{id}", **options)


async def not_found(request):
    return 404, {}


def test_a_warning_of_work_in_the_background_names_the_line_that_started_it():
    """Whoever waits for it, and wherever."""
    with serve_handler(not_found) as server:
        future, line = FRAME.aio.fetch_async(server.url + "/{id}", client=paio.Client()), _getframe().f_lineno
        with pytest.warns(paio.FetchWarning) as caught:
            future.result()
    assert (caught[0].filename, caught[0].lineno) == (__file__, line)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://nohost.invalid", r"nohost\.invalid does not resolve: (is the host spelt right\? See|the name server)"),
        (refused_url(), "no connection to http://127.* refused"),
    ],
    ids=["unknown host", "refused"],
)
@pytest.mark.slow
def test_a_run_that_cannot_connect_says_so_in_one_sentence(url, reason):
    """Not once per kind of row: those that were not sent are its consequence."""
    frame = pd.DataFrame({"id": range(100)})
    retry = paio.Retry(attempts=1)
    with pytest.warns(paio.FetchWarning, match=f"100 of 100 rows failed, none was answered: {reason}") as caught:
        frame.aio.fetch(url + "/{id}", client=paio.Client(), retry=retry, concurrency=4, deadline=5)
    assert " x " not in str(caught[0].message)


def test_tls_with_a_server_that_speaks_plain_http_names_http(api):
    with pytest.warns(paio.FetchWarning, match=r"does it speak http://\? See"):
        FRAME.aio.fetch(api.replace("http:", "https:") + "/{id}", client=paio.Client())


def test_a_name_in_a_message_is_shown_as_it_is():
    with pytest.raises(paio.TemplateError, match="'größ e' is not a field"):
        FRAME.aio.fetch("https://api.example.com/{größ e}")


def test_merged_causes_keep_the_most_frequent_remedy():
    """Whether the option stands in the error's own text or not."""

    def answer(request):
        number = int(request.target[1:])
        hint = "" if number == 0 else " (use a new key)"
        return json_response({"message": f"key {number} is wrong{hint}"}, status="401 Unauthorized")

    with serve_function(answer) as server, pytest.warns(paio.FetchWarning) as caught:
        pd.DataFrame({"id": range(5)}).aio.fetch(server.url + "/{id}", client=paio.Client())
    assert re.search("5 x HTTP 401 Unauthorized: (pass fresh auth=|use a new key)", str(caught[0].message))
