"""Paginators that send back a token from the page: `Cursor` and `GraphQLCursor`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pandas_async_io._core.errors import ParseError, PlanError
from pandas_async_io._core.json_path import Path, find_value, is_false_text
from pandas_async_io._core.option_names import explains_names
from pandas_async_io._core.request.query import parse_json_body, set_params
from pandas_async_io._core.workflow.paging.paginators.extracted_page import ExtractedPage, is_end
from pandas_async_io._core.workflow.paging.paginators.paginator_fields import check_fields, repr_fields

if TYPE_CHECKING:
    from pandas_async_io._core.models import Request


@explains_names
@dataclass(frozen=True, slots=True)
class Cursor:
    """A token for the next page: Slack, Notion, Stripe, DynamoDB, Salesforce Bulk.

    Parameters
    ----------
    path : path, optional
        Where the token is in the payload. The token may be an object.
    param : str
        The query parameter that takes the token; with ``body`` a path in the JSON body.
    body : bool
        Whether the parameter is in the JSON body.
    header : str, optional
        The header that holds the token, in place of ``path``.
    after : path, optional
        The field of the page's last record that is the token, in place of ``path``.
    more : path, optional
        Where the flag is that says whether there are more pages.
    """

    path: Path | None = None
    param: str = "cursor"
    body: bool = False
    header: str | None = None
    after: Path | None = None
    more: Path | None = None
    __repr__ = repr_fields

    def __post_init__(self) -> None:
        check_fields(self)
        if sum(each is not None for each in (self.path, self.header, self.after)) != 1:
            raise PlanError("Cursor: pass one of path=, header= or after=: it says where the token is")

    def next(self, extracted: ExtractedPage) -> Request | None:
        """Return the next page's request."""
        page = extracted.page
        more = None if self.more is None else find_value(page.payload, self.more)
        if self.more is not None and more is None and isinstance(page.payload, dict):
            raise ParseError(f"{self}: the page has no flag {self.more!r}")
        if self.more is not None and (is_end(more) or is_false_text(more)):
            return None
        if self.after is not None:
            token = find_value(extracted.records[-1], self.after) if extracted.records else None
        else:
            token = page.response.header(self.header) if self.header else find_value(page.payload, self.path or ())
        if is_end(token):
            if more or (self.after is not None and extracted.records):
                raise ParseError(f"the page says that there is more, but {self} finds no token on it")
            return None
        return set_params(page.request, {self.param: token}, body=self.body)


@explains_names
@dataclass(frozen=True, slots=True)
class GraphQLCursor:
    """A connection's ``pageInfo { hasNextPage endCursor }``.

    Parameters
    ----------
    path : path
        Where the ``pageInfo`` is in the payload, as ``"data.users.pageInfo"``.
    variable : str
        The query's variable that takes the cursor, as in ``users(after: $cursor)``.
    """

    path: Path
    variable: str = "cursor"
    __repr__ = repr_fields

    def __post_init__(self) -> None:
        check_fields(self)

    def next(self, extracted: ExtractedPage) -> Request | None:
        """Return the next page's request."""
        request, payload = extracted.page.request, extracted.page.payload
        keys = self.path.split(".") if isinstance(self.path, str) else list(self.path)
        if find_value(payload, keys[:-1]) is None:
            if extracted.records_so_far > len(extracted.records):
                raise ParseError(f"{self}: this page has no connection, but earlier pages had one")
            return None
        info = find_value(payload, keys)
        if not isinstance(info, dict) or not {"hasNextPage", "endCursor"} <= info.keys():
            raise ParseError(f"{self}: the connection has none: add pageInfo {{ hasNextPage endCursor }} to the query")
        if not info["hasNextPage"]:
            return None
        if is_end(info["endCursor"]):
            raise ParseError(f"{self}: hasNextPage is true, but there is no endCursor")
        if not re.search(rf"\${re.escape(self.variable)}\b", str(parse_json_body(request).get("query"))):
            raise ParseError(
                f"{self}: the query has no variable ${self.variable}: write users(after: ${self.variable})"
            )
        return set_params(request, {f"variables.{self.variable}": info["endCursor"]}, body=True)
