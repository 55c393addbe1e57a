"""Slips, and what is said about each: nothing passes silently, and no error comes from the depths of the package.

A slip is an option of a wrong type, a name that is nearly right, a None, or a mapping the wrong way round. Each is told
before anything is sent.
"""

import re

import pandas as pd
import pytest

import pandas_async_io as paio
from tests.ids import stable
from tests.servers.scripted import json_response, serve_script

FRAME = pd.DataFrame({"id": [1, 2], "name": ["a", "b"]})
URL = "https://api.example.com/{id}"

OPTIONS = [
    ("method", "", "method='' is not an HTTP method: pass 'GET', 'POST'"),
    ("method", "GE T", "method='GE T' is not an HTTP method"),
    ("params", "a=1", "params='a=1': pass a mapping of names to values, as {'page': 1}, not a str"),
    ("params", [1], "params=[1]: pass a mapping"),
    ("params", {"q": "{idd}"}, "field {idd}: no column or index level has this name; nearest: {id}"),
    ("headers", "X: 1", "headers='X: 1': pass a mapping of names to values, as {'Accept': 'text/csv'}, not a str"),
    ("headers", [("a", "b")], "headers=[('a', 'b')]: pass a mapping"),
    ("headers", {"X": None}, "headers: 'X': its value is None, and must be a str"),
    ("headers", {5: "x"}, "headers: 5: a name is a token"),
    ("headers", {"X": "{idd}"}, "field {idd}: no column or index level has this name; nearest: {id}"),
    ("data", 5, "data=5: pass a str, bytes or a mapping of form fields"),
    ("client", "https://e.com", "client='https://e.com': pass a Client"),
    ("client", paio.Client, "pass a Client, as Client('https://api.example.com')"),
    ("auth", 5, "auth= is Bearer(token), Basic(user, password), ApiKey(key)"),
    ("auth", "", "is empty: is the variable that holds it set?"),
    ("auth", "Bearer x", "pass the token without its scheme"),
    ("auth", ("a",), "auth= is Bearer(token), Basic(user, password)"),
    ("format", "jsn", "format='jsn': choose one of 'auto', 'json'"),
    ("format", None, "format=None: choose one of"),
    ("read_options", ";", "read_options=';': pass a mapping of names to values, as {'sep': ';'}, not a str"),
    ("read_options", [";"], "read_options=[';']: pass a mapping of names to values, as {'sep': ';'}, not a list"),
    ("parser", "json", "parser='json' is not a function"),
    ("error_when", "", 'write error_when="error.message"'),
    ("error_when", 5, "error_when=5 is not a function"),
    ("record_path", "", "record_path='': give a path"),
    ("record_path", 5, 'record_path=5: give a path as "data.items"'),
    ("meta", 5, "meta=5: give a path, or a list of paths"),
    ("sep", None, "sep=None must be a str"),
    ("max_level", "1", "max_level='1': give a whole number from 0"),
    ("max_level", -1, "max_level=-1: give a whole number from 0"),
    ("columns", "name", "columns='name': give a list, as columns=['name']"),
    ("columns", [1], "columns=[1]: give a list or a mapping of names as strings"),
    ("columns", {"a": 1}, "columns={'a': 1}: give a list or a mapping"),
    ("columns", ["a", "a"], "columns names 'a' twice"),
    ("columns", {"a": "x", "b": "x"}, "columns names 'x' twice"),
    ("pages", "all", "pages='all': pass 'auto', a paginator"),
    ("pages", True, "pages=True: pass 'auto', a paginator"),
    ("pages", paio.LinkHeader, "as LinkHeader()"),
    ("max_pages", 5, "max_pages=5 needs pages="),
    ("batch", 0, "batch"),
    ("on", "id", "on='id' needs batch=, which is not given"),
    ("poll", "state", "poll='state' is not a Poll: pass poll=Poll(status='state'"),
    ("poll", paio.Poll, "is not a Poll: pass poll=Poll("),
    ("schema", "int64", "schema= is a mapping of column names to types"),
    ("schema", ["id"], "schema={'id': 'int64'}"),
    ("schema", {"id": "integr"}, "schema['id']='integr' is not a type"),
    ("dtype_backend", "arrow", "dtype_backend='arrow': choose one of 'numpy_nullable', 'pyarrow'"),
    ("concurrency", "32", "concurrency='32' is not a number of requests"),
    ("concurrency", 0, "concurrency=0 is not a number of requests: 1 or more"),
    ("concurrency", 2.5, "concurrency=2.5 is not a number of requests"),
    ("rate", "20", "rate='20': a rate is"),
    ("rate", "20/x", 'as in "20/s"'),
    ("rate", 0, "rate=0: a rate is"),
    ("retry", "3", "retry='3': pass a Retry, or the number of attempts, from 1, but a str"),
    ("retry", 0, "retry=0: pass a Retry, or the number of attempts, from 1"),
    ("retry", True, "retry=True: pass a Retry"),
    ("timeout", "30", "timeout='30' is not a number of seconds above 0"),
    ("timeout", 0, "timeout=0 is not a number of seconds above 0"),
    ("deadline", "1min", "deadline='1min' is not a number of seconds above 0"),
    ("max_requests", "5", "max_requests='5' is not a whole number above 0, but a str"),
    ("progress", "yes", "progress='yes': pass True or False"),
    ("hooks", "print", "hooks='print': pass a function of an event, or a list of them"),
    ("how", "outer", "how='outer': choose one of 'left', 'inner'"),
    ("how", None, "how=None: choose one of"),
    ("prefix", None, "prefix=None must be a str"),
    ("suffix", "", "pass a text, as suffix='_api'"),
    ("suffix", None, "suffix=None must be a str"),
    ("join", "inner", "join='inner': pass True or False"),
    ("errors", "ignore", "errors='ignore': choose one of 'raise', 'coerce'"),
    ("na_action", "skip", "na_action='skip': choose one of 'ignore', 'omit', 'send'"),
    ("max_workers", 4, "unexpected option 'max_workers'; nearest: 'concurrency'"),
    ("verify", False, "it belongs to the client: client=Client(ssl='ca.pem')"),
    ("haeders", {}, "unexpected option 'haeders'; nearest: 'headers'"),
]
CLIENT = [
    ("base_url", 5, "base_url=5: pass the URL as a str"),
    ("base_url", "example.com", "is not a URL: write 'https://example.com'"),
    ("headers", "x", "headers='x': pass a mapping"),
    ("params", 5, "params=5: pass a mapping"),
    ("concurrency", "auto", "pass concurrency='auto' to the call"),
    ("timeout", "3", "timeout='3' is not a number of seconds above 0"),
    ("allow_hosts", "e.com", "allow_hosts='e.com' must be a list of hosts: write ['e.com']"),
    ("follow", True, "follow=True: choose one of 'none', 'same_origin', 'any'"),
    ("block_private", "yes", "block_private='yes': pass True or False"),
    ("max_body", "big", "max_body='big' is not a size: write '64MiB'"),
    ("max_body", None, "max_body=None is not a size"),
    ("strict_json", 1, "strict_json=1: pass True or False"),
    ("proxy", "proxy", "is not the URL of an HTTP proxy: write it with 'http://'"),
    ("ssl", "nofile.pem", "ssl='nofile.pem' is not a CA bundle: No such file"),
    ("ssl", 5, "ssl=5: pass True, False, an ssl.SSLContext or the path of a CA bundle"),
    ("session", 5, "session=5 is not an aiohttp.ClientSession or httpx.AsyncClient"),
    ("token", "x", "unexpected option 'token'; nearest: 'auth'"),
    ("rate_limit", "1/s", "unexpected option 'rate_limit'; nearest: 'rate'"),
]
CALLS = {
    "Retry(attempts='3')": (lambda: paio.Retry(attempts="3"), "attempts='3' must be a whole number from 1"),
    "Retry(statuses=500)": (lambda: paio.Retry(statuses=500), "statuses=500 must be a collection of int"),
    "Retry(methods='POST')": (lambda: paio.Retry(methods="POST"), "methods='POST' must be a collection of str"),
    "Retry(base=-1)": (lambda: paio.Retry(base=-1), "base=-1 must be a finite number from 0"),
    "Retry(when=5)": (lambda: paio.Retry(when=5), "when=5 must be a function of a response and an error"),
    "Retry(3)": (lambda: paio.Retry(3), "Retry() takes its options by name: write attempts=3"),
    "Rate('20/s')": (lambda: paio.Rate("20/s"), "count='20/s' must be a positive, finite number"),
    "Rate(20, per='s')": (lambda: paio.Rate(20, per="s"), "per='s' must be a positive, finite number of seconds"),
    "Poll(5)": (lambda: paio.Poll(5), "status=5 is not a path"),
    "Poll(every='1')": (lambda: paio.Poll("state", every="1"), "every='1' is not a number of seconds"),
    "PageNumber(5)": (lambda: paio.PageNumber(5), "PageNumber(param=5): pass a name, as 'page'"),
    "Offset(size='10')": (lambda: paio.Offset(size="10"), "as ('per_page', 100)"),
    "Cursor(5)": (lambda: paio.Cursor(5), "Cursor(path=5): pass a path"),
    "Bearer(None)": (lambda: paio.Bearer(None), "not NoneType: is the variable that holds it set?"),
    "Basic(user)": (lambda: paio.Basic("a"), "Basic() needs password"),
    "ApiKey(None)": (lambda: paio.ApiKey(None), "not NoneType: is the variable that holds it set?"),
    "graphql(5)": (lambda: paio.graphql(5), "query=5 must be a str"),
    "read_api of a frame": (lambda: pd.read_api(FRAME), "for the rows of a frame use df.aio.fetch"),
    "read_api of a number": (lambda: pd.read_api(5), "url must be a template or a list of URLs, not int"),
    "read_api without over": (lambda: pd.read_api(URL), "as over={"),
    "over, a list": (lambda: pd.read_api(URL, over=[1]), "over=[1] must be a mapping of fields to their values"),
    "over, a text": (lambda: pd.read_api(URL, over={"id": "12"}), "over['id']='12' must be a list of values"),
    "over, misspelt": (lambda: pd.read_api(URL, over={"idd": [1]}), "nearest: {idd}"),
    "over and a list of URLs": (
        lambda: pd.read_api(["https://e.com/1"], over={"id": [1]}),
        "a list of URLs has no fields",
    ),
    "a number as template": (lambda: FRAME.aio.fetch(5), "the URL template must be a str, not int"),
    "an empty template": (lambda: FRAME.aio.fetch(""), "the URL template is empty"),
    "a template without scheme": (lambda: FRAME.aio.fetch("e.com/{id}"), "is a relative URL: write it with https://"),
    "a field misspelt": (lambda: FRAME.aio.fetch("https://e.com/{idd}"), "nearest: {id}"),
    "a field in capitals": (lambda: FRAME.aio.fetch("https://e.com/{ID}"), "{id}"),
    "half a brace": (lambda: FRAME.aio.fetch("https://e.com/{id"), "a brace without its other half"),
    "a Series of ids": (FRAME["id"].aio.fetch, "for the ids of a column write df.aio.fetch("),
    "a template for a Series": (
        lambda: FRAME["name"].aio.fetch(URL),
        "fetch(): the Series holds the URLs, so none is passed; a template belongs to df.aio.fetch(",
    ),
    "a template for a Series, later": (lambda: FRAME["name"].aio.fetch_async(URL), "belongs to df.aio.fetch_async("),
    "a template for a Series, by name": (lambda: FRAME["name"].aio.plan(url=URL), "belongs to df.aio.plan("),
    "a list for a Series": (lambda: FRAME["name"].aio.fetch(["a"]), "write columns=['a']"),
    "a method misspelt": (lambda: FRAME.aio.fetchh, "df.aio has no attribute 'fetchh'; nearest: 'fetch'"),
    "a method of aio(df) misspelt": (lambda: paio.aio(FRAME).retry_faild, "nearest: 'retry_failed'"),
    "a method of a Series misspelt": (
        lambda: FRAME["id"].aio.Fetch,
        "s.aio has no attribute 'Fetch'; nearest: 'fetch'",
    ),
    "a method of frames on a Series": (lambda: FRAME["id"].aio.outcomes, "it has fetch, fetch_async, plan"),
    "a list without a name": (lambda: FRAME.aio.fetch(URL, ["a"]), "write columns=['a']"),
    "json and data": (lambda: FRAME.aio.fetch(URL, json={}, data="x"), "a request has one body"),
    "a report without a fetch": (lambda: FRAME.aio.report, "this frame has no record of a fetch"),
    "retry_failed without a fetch": (FRAME.aio.retry_failed, "this frame has no record of a fetch"),
}


CHANGES = [
    ("max_workers", 4, "retry_failed() got an unexpected option 'max_workers'; nearest: 'concurrency'"),
    ("retries", 4, "unexpected option 'retries'; nearest: 'retry', as retry=4 counts attempts"),
    ("token", "x", "unexpected option 'token'; nearest: 'auth'"),
    ("haeders", {}, "unexpected option 'haeders'; nearest: 'headers'"),
    ("verify", False, "it belongs to the client: client=Client(ssl='ca.pem')"),
    (
        "columns",
        ["a"],
        "can't change 'columns' here: all rows are read anew, and their responses are in no store; pass store=",
    ),
]
"""Changes of `retry_failed`."""

RECORD_PATHS = [
    (
        "items",
        {"data": {"items": [{"a": 1}], "page": 1}},
        "no answer has record_path='items'; nearest: record_path='data.items'",
    ),
    ("data.items", {"items": []}, "nearest: record_path='items'"),
    ("data.Items", {"data": {"items": []}}, "nearest: record_path='data.items'"),
    ("itmes", {"response": [{"items": []}]}, "nearest: record_path='response.items'"),
    ("value", {"odata.value": []}, "no answer has record_path='value'; nearest: record_path=['odata.value']"),
    ("odata value", {"odata.value": []}, "nearest: record_path=['odata.value']"),
    ("items", {"error": {"code": 5}, "items_count": 0}, "is not in the answer, which says: {'code': 5}"),
]
"""A `record_path`, a payload without it, and what the error says."""

NEAR_MISSES = [
    (
        "{The text }",
        "{The text } was sent as it is written: for the column write {The text}, for this text {{The text }}",
    ),
    ("{ The text}", "{ The text} was sent as it is written"),
    ("{  the text  }", "{  the text  } was sent as it is written"),
    ("{\n  The text\n}", "{ The text } was sent as it is written"),
    ("{Note 1}", "{Note 1} was sent as it is written: for the column write {note 1 }, for this text {{Note 1}}"),
]
"""A text in a body that is nearly a field, and what the hint says."""


@pytest.mark.parametrize(("name", "value", "message"), CHANGES, ids=stable)
def test_a_wrong_change_of_retry_failed_is_refused_with_what_to_write(name, value, message):
    with serve_script(json_response({})) as server:
        fetched = FRAME.aio.fetch(server.url + "/{id}", client=paio.Client())
    with pytest.raises(TypeError, match=re.escape(message)):
        fetched.aio.retry_failed(**{name: value})


@pytest.mark.parametrize(("path", "payload", "message"), RECORD_PATHS, ids=stable)
def test_a_record_path_that_leads_nowhere_is_answered_with_the_nearest(path, payload, message):
    with serve_script(json_response(payload)) as server, pytest.raises(paio.FetchError, match=re.escape(message)):
        paio.read_api(server.url, record_path=path, client=paio.Client(), retry=1)


@pytest.mark.parametrize(("text", "message"), NEAR_MISSES, ids=stable)
def test_a_text_that_is_nearly_a_field_is_shown_as_it_was_written(text, message):
    frame = pd.DataFrame({"id": [1], "The text": ["x"], "note 1 ": ["y"]})
    with serve_script(json_response({})) as server, pytest.warns(paio.HintWarning, match=re.escape(message)):
        frame.aio.fetch(server.url + "/{id}", method="POST", json={"text": text}, client=paio.Client())


def test_an_accessor_has_no_attribute_that_a_tool_asks_for():
    """As `hasattr` of pandas, IPython and copy does."""
    assert not hasattr(FRAME.aio, "_repr_html_")
    assert not hasattr(FRAME["id"].aio, "shape")


@pytest.mark.parametrize(("name", "value", "message"), OPTIONS, ids=stable)
def test_a_wrong_option_of_a_call_is_refused_with_what_to_write(name, value, message):
    with pytest.raises((paio.PlanError, TypeError), match=re.escape(message)):
        FRAME.aio.fetch(URL, **{name: value})


@pytest.mark.parametrize(("name", "value", "message"), CLIENT, ids=stable)
def test_a_wrong_option_of_a_client_is_refused_with_what_to_write(name, value, message):
    with pytest.raises((paio.PlanError, TypeError), match=re.escape(message)):
        paio.Client(**{name: value})


@pytest.mark.parametrize(("call", "message"), CALLS.values(), ids=CALLS)
def test_a_wrong_call_is_refused_with_what_to_write(call, message):
    with pytest.raises((paio.PlanError, TypeError, AttributeError), match=re.escape(message)):
        call()
