"""The paging schemes of the sample API, with the paginators that read each."""

from __future__ import annotations

import json

from pandas_async_io._core.workflow.paging.paginators.cursor import Cursor, GraphQLCursor
from pandas_async_io._core.workflow.paging.paginators.next_url import LinkHeader, NextUrl
from pandas_async_io._core.workflow.paging.paginators.page_number import Offset, PageNumber

QUERY = """
query($first: Int, $cursor: String) {
  users(first: $first, after: $cursor) {nodes {id} pageInfo {hasNextPage endCursor} totalCount}
}"""
USERS = json.dumps({"query": QUERY, "variables": {"first": 10}}).encode()

SCHEMES = {
    "link": ("/paged/link", None, [LinkHeader(), PageNumber(size=("per_page", 10))]),
    "link without last": ("/paged/link?last=0", None, [LinkHeader()]),
    "next": ("/paged/next", None, [NextUrl("next"), lambda page: page.payload["next"]]),
    "relative next": ("/paged/next?relative=1", None, [NextUrl("next")]),
    "cursor": ("/paged/cursor", None, [Cursor("meta.next_cursor")]),
    "empty cursor": ("/paged/cursor?end=empty", None, [Cursor("meta.next_cursor")]),
    "text cursor": ("/paged/cursor?end=text", None, [Cursor("meta.next_cursor")]),
    "posted cursor": ("/paged/cursor", b"{}", [Cursor("meta.next_cursor", body=True)]),
    "key": ("/paged/key", b'{"TableName":"t"}', [Cursor("LastEvaluatedKey", "ExclusiveStartKey", body=True)]),
    "header cursor": (
        "/paged/header-cursor",
        None,
        [NextUrl(header="Next-Page"), Cursor(header="Sforce-Locator", param="locator")],
    ),
    "after": ("/paged/after", None, [Cursor(after="id", param="starting_after", more="has_more")]),
    "pages": (
        "/paged/pages",
        None,
        [PageNumber(total_pages="meta.total_pages"), PageNumber(total_records="X-Total-Count"), PageNumber()],
    ),
    "offset": (
        "/paged/offset",
        None,
        [Offset(total_records="total"), Offset(size=("limit", 10)), Offset(size=("limit", 10), total_records="total")],
    ),
    "odata": ("/odata", None, [NextUrl("@odata.nextLink")]),
    "graphql": ("/graphql", USERS, [GraphQLCursor("data.users.pageInfo")]),
}
