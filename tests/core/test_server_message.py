"""Messages found in error responses."""

import pytest

from pandas_async_io._core.models import Response
from pandas_async_io._core.server_message import describe_http_error, extract_message, find_message


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"error": {"code": 7, "message": "no user"}}, "no user"),
        ({"Errors": [{"detail": "quota"}]}, "quota"),
        ([{"msg": "first"}, {"msg": "second"}], "first"),
        ({"title": " Forbidden "}, "Forbidden"),
        ({"data": {"message": "elsewhere"}}, ""),
        (7, ""),
    ],
)
def test_a_message_is_found_under_its_usual_names(payload, message):
    """In any case, and in nested values."""
    assert find_message(payload) == message


@pytest.mark.parametrize("depth", [9, 1_000])
def test_a_deeply_nested_error_is_described(depth):
    """It fails one row, not the run."""
    body = b'{"error":' * depth + b"1" + b"}" * depth
    assert describe_http_error(Response(500, {}, body, "")).startswith("HTTP 500 Internal Server Error")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"message": "no user 5000"}', "no user 5000"),
        (b'{"Message": "User: x is not authorized"}', "User: x is not authorized"),
        (b'{"error": "no user 5000"}', "no user 5000"),
        (b'{"error": {"message": "no user 5000", "code": 7}}', "no user 5000"),
        (b'{"type": "about:blank", "title": "Bad", "detail": "no user 5000"}', "no user 5000"),
        (b'{"title": "Not allowed", "status": 404}', "Not allowed"),
        (b'{"detail": [{"loc": ["q"], "msg": "field required"}]}', "field required"),
        (b'{"errors": ["first", "second"]}', "first"),
        (b'{"code": 7}', '{"code": 7}'),
        (b'{"secret": "s3cret", "x": 1}', '{"secret": ***, "x": 1}'),
        (b"https://e.com/?code=s3cret", "https://e.com/?code=***"),
        (b'"just text"', "just text"),
        (b"plain\n text", "plain text"),
        (b"<html><head><title>502 &amp; more</title></head>", "502 & more"),
        (b"<html><body>long page</body></html>", ""),
        (b"<?xml version='1.0'?><error/>", ""),
        (b"<s:Fault><faultcode>s:Client</faultcode><faultstring>no firm</faultstring></s:Fault>", "no firm"),
        (
            b'<e:Code><e:Value>e:Sender</e:Value></e:Code><e:Reason><e:Text xml:lang="en">no firm</e:Text></e:Reason>',
            "no firm",
        ),
        (b"<?xml version='1.0'?>\n<Error><Code>NoSuchKey</Code><Message>no &lt;key&gt;</Message></Error>", "no <key>"),
        (b"<error><message> <![CDATA[a < b]]> </message></error>", "a < b"),
        (b"<error><title>Bad</title><detail>\n no such id\n</detail></error>", "no such id"),
        (b"<faultstring>token=s3cret1234 is old</faultstring>", "token=*** is old"),
        (b"<faultstring>cut", ""),
        (b"<!-- page --><html><title>Down</title><message>x</message>", "Down"),
        (b"", ""),
        (b"null", ""),
        (b"\x89PNG\x00\x00", ""),
        (b"x" * 100_000, ""),
        (b'{"message": "bad api_key=CANARY"}', "bad api_key=***"),
        (b'{"message": "see https://u:CANARY@e.com/?sig=CANARY"}', "see https://e.com/?sig=***"),
        (('{"message": "' + "é" * 300 + '"}').encode(), "é" * 199 + "…"),
        (b'{"message": "\xff"}', '{"message": "\ufffd"}'),
    ],
)
def test_a_servers_message_is_one_line_without_secrets(body, words):
    """It comes from the usual keys of JSON, the title of HTML, or else the text."""
    assert extract_message(Response(404, {}, body, "")) == words


@pytest.mark.parametrize(
    "body",
    [b"<a>" + b" " * 60_000, b"<a><![CDATA[" * 5_000, b"<!--a-->" * 7_000, b"<" + b"a" * 60_000, b"<a " * 20_000],
)
def test_a_long_xml_error_without_an_end_is_read_at_once(body):
    """The search takes no more than a multiple of its length."""
    assert extract_message(Response(500, {}, body, "")) == ""


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, b'{"message": "no user 5000"}', "HTTP 404 Not Found: no user 5000"),
        (404, b'{"detail": "Not Found."}', "HTTP 404 Not Found"),
        (404, b"404: Not Found", "HTTP 404 Not Found"),
        (503, b"", "HTTP 503 Service Unavailable"),
        (999, b"why not", "HTTP 999: why not"),
    ],
)
def test_an_http_error_has_the_servers_message(status, body, error):
    """A message that only repeats the status is left out."""
    assert describe_http_error(Response(status, {}, body, "")) == error
