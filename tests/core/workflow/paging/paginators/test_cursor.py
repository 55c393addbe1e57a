"""`Cursor` and `GraphQLCursor`: tokens that are sent back."""

from __future__ import annotations

import pytest

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.request.query import parse_json_body
from pandas_async_io._core.workflow.paging.paginators.cursor import Cursor, GraphQLCursor
from pandas_async_io._core.workflow.paging.paginators.paginators import next_request
from tests.core.workflow.paging.extracted_pages import URL, extracted


def test_a_cursor_may_be_an_object_in_the_body():
    """It is sent back unchanged; the other fields of the body stay."""
    paginator = Cursor("LastEvaluatedKey", param="ExclusiveStartKey", body=True)
    page = extracted({"LastEvaluatedKey": {"id": {"S": "a"}}}, body=b'{"TableName":"t"}')
    found = next_request(paginator, page)
    assert parse_json_body(found) == {"TableName": "t", "ExclusiveStartKey": {"id": {"S": "a"}}}
    assert (found.method, found.url) == ("POST", URL)


def test_a_graphql_connection_is_paged_by_its_page_info():
    """The cursor becomes the query's variable; no connection, or no next page, is the end."""
    paginator = GraphQLCursor("data.users.pageInfo", variable="after")
    body = b'{"query":"query($after:String){users(after:$after){id}}","variables":{"first":5}}'

    def page(users):
        return extracted({"data": {"users": users}}, body=body)

    found = next_request(paginator, page({"pageInfo": {"hasNextPage": True, "endCursor": "x"}}))
    assert parse_json_body(found)["variables"] == {"first": 5, "after": "x"}
    assert next_request(paginator, page({"pageInfo": {"hasNextPage": False, "endCursor": "x"}})) is None
    assert next_request(paginator, page(None)) is None
    more = page({"pageInfo": {"hasNextPage": True, "endCursor": "x"}})
    with pytest.raises(ParseError, match=r"no variable \$cursor"):
        next_request(GraphQLCursor("data.users.pageInfo"), more)


@pytest.mark.parametrize("no", ["false", "False", " FALSE ", "0", "no", "null", "", False, 0])
def test_a_flag_may_be_a_text(no):
    """A text that means no is not true."""
    paginator = Cursor("next", more="more")
    assert next_request(paginator, extracted({"next": "x", "more": no})) is None


def test_a_cursor_needs_exactly_one_place_of_its_token():
    """Otherwise it raises."""
    with pytest.raises(PlanError, match="pass one of"):
        Cursor()
    with pytest.raises(PlanError, match="pass one of"):
        Cursor("next", after="id")
