"""The words that APIs use in paged responses, as tables.

Invariant: tables only; the modules that read them decide. A table marked "snake case" holds names
as `snake_case` returns them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_WORD_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def snake_case(name: str) -> str:
    """Return a name in snake case.

    Examples
    --------
    >>> snake_case("hasNextPage"), snake_case("NextToken"), snake_case("has_more")
    ('has_next_page', 'next_token', 'has_more')
    """
    return _WORD_BOUNDARY.sub("_", name).lower()


def _any_of(words: str, flags: re.RegexFlag = re.IGNORECASE) -> re.Pattern[str]:
    """Compile patterns that are separated by spaces into one that matches any of them."""
    return re.compile("|".join(words.split()), flags)


URL = re.compile(r"(?:https?://|[/?]).*", re.DOTALL)
"""A text that is a URL, absolute or relative."""

# ── Lists of a payload ───────────────────────────────────────────────────

RECORD_LISTS = _any_of("""
    data items results records values value entries entry objects hits rows
    nodes edges features list content elements
""")
"""Usual names of the list that holds the records."""

OTHER_LISTS = _any_of("link links _link _links errors warnings included facets aggregations messages")
"""Names of lists that never hold the records."""

PAGE_OBJECTS = _any_of("link links _link _links meta _meta")
"""Names of objects that describe the page: a list in one of them never holds the records."""

PAGE_FIELDS = _any_of(
    r"""
    @.* hydra:.* _?links? (?:.*_)?meta(?:data)?
    (?:page|paging|pagination|total|next|prev|previous|has|num)(?:_.*)?
    .*_(?:count|token|cursor|info)
    (?:first|last)(?:_?(?:page|id))?
    count cursor more limit offset size skip start(?:_at|_index)? from after before
    (?:.*_)?per_page max_results
    done is_last (?:is_)?truncated end_of_records exceeded_transfer_limit
    success ok status code messages? errors? warnings
    object kind api_version took url href self
    """,
    re.NOFLAG,
)
"""Fields beside the records that describe the page; a record has others (snake case)."""

# ── Objects that describe the page ───────────────────────────────────────

ENVELOPES = (
    ("meta",),
    ("pagination",),
    ("paging",),
    ("page",),
    ("meta", "pagination"),
    ("meta", "page"),
    ("_meta",),
    ("info",),
    ("result_info",),
    ("data", "pagination"),
    ("data", "meta"),
)
"""Paths of objects that hold the total, flags, links and tokens."""

VAGUE_ENVELOPES = (("data",), ("pageInfo",), ("page_info",), ("metadata",), ("additional_data", "pagination"))
"""Paths of objects that hold flags, links and tokens; a total in them may count something else."""

# ── Number of records ────────────────────────────────────────────────────

RECORD_TOTALS = _any_of(r"""
    (?:hydra:)?total(?:_?(?:count|results?|elements|items|records|size|rows|hits|entries|features|objects))?
    numFound number_?Matched nbHits records_?(?:Filtered|Total) @odata\.count __count count
""")
"""Fields that hold the number of all records."""

WEAK_RECORD_TOTALS = {"count", "recordsTotal"}
"""Used where no other total is found: the length of the page, and the number before a filter."""

RECORD_TOTAL_HEADERS = ("X-Total-Count", "Total-Objects", "X-Total", "X-WP-Total", "Content-Range")

OFFSET_TOTALS = ("total", "total_count", "totalCount", "total_results", "totalResults", "total_records", "totalRecords")
"""Fields that hold the number of all records beside an offset and a page size."""

# ── Number of pages ──────────────────────────────────────────────────────

PAGE_TOTALS = (
    "total_pages",
    "totalPages",
    "last_page",
    "lastPage",
    "page_count",
    "pageCount",
    "nbPages",
    "pages",
    "totalPageCount",
    "total_page_count",
)
SURE_PAGE_TOTALS = ("total_pages", "totalPages", "last_page", "lastPage", "nbPages", "totalPageCount")
"""Those that are no field of a record: a book has ``pages``."""

PAGE_TOTAL_HEADERS = ("X-Total-Pages", "X-WP-TotalPages")

# ── Page numbers and offsets ─────────────────────────────────────────────

PAGE_PARAMS = ("page", "_page", "p", "pageNumber", "page_number", "pageIndex", "page_index")
"""Parameters that take the page's number."""

PAGE_NUMBERS = ("page", "current_page", "currentPage", "number", "pageNumber", "page_number", "pageIndex", "page_index")
"""Fields that hold the page's number."""

SIZE_PARAMS = ("per_page", "_limit", "limit", "page_size", "pageSize", "size")
"""Parameters that take the page's size."""

OFFSET_PARAMS = (
    # offset, page size
    ("startAt", "maxResults"),
    ("offset", "limit"),
    ("skip", "limit"),
    ("start", "limit"),
    ("from", "size"),
    ("startIndex", "itemsPerPage"),
)
"""Parameters that take the offset and the page's size; responses repeat them in fields of the same names."""

OFFSET_PARAM_BY_TOTAL = {"@odata.count": "$skip", "__count": "$skip", "value": "from"}
"""The offset's parameter, by the field of the total: OData, Elasticsearch."""


class KnownApi(NamedTuple):
    """An API whose pages need not say that there are more.

    Attributes
    ----------
    name : str
        Its name.
    url_path : pattern
        Found in the path of its URLs.
    offset_param, size_param : str
        Its parameters for the offset and the page's size.
    default_size : int or None
        Records of a page without that parameter; None if it differs from server to server.
    total : str or None
        Where the number of records is.
    """

    name: str
    url_path: re.Pattern[str]
    offset_param: str
    size_param: str
    default_size: int | None
    total: str | None = None


KNOWN_APIS = (
    KnownApi("Socrata", _any_of(r"/resource/[\w-]+\.(?:json|geojson|csv)$"), "$offset", "$limit", 1_000),
    KnownApi("ArcGIS", _any_of(r"/(?:Feature|Map)Server/\d+/query$"), "resultOffset", "resultRecordCount", None),
    KnownApi("CKAN", _any_of(r"/action/datastore_search$"), "offset", "limit", 100, "result.total"),
    KnownApi("Opendatasoft", _any_of(r"/api/explore/v2\.\d/.+/records$"), "offset", "limit", 10, "total_count"),
    KnownApi("PostgREST", _any_of(r"/rest/v1/\w+$"), "offset", "limit", 1_000),
)

# ── Links to the next page ───────────────────────────────────────────────

NEXT_LINKS = (
    "next",
    "next_url",
    "next_page_url",
    "nextPageUrl",
    "next_href",
    "next_page",
    "nextLink",
    "nextPage",
    "@odata.nextLink",
    "odata.nextLink",
    "nextRecordsUrl",
    "__next",
    "hydra:next",
)
LINK_OBJECTS = ("_links", "links", "hydra:view")
"""Objects in an envelope that hold links."""

NEXT_LINK_SIBLINGS = {"previous", "prev", "count"}
"""Beside one of these fields a next link that is null means the last page."""

# ── Tokens for the next page ─────────────────────────────────────────────


class TokenField(NamedTuple):
    """A field that holds a token.

    Attributes
    ----------
    path : str
        The field.
    param : str
        The parameter that takes the token.
    sibling : str or None
        Another path that must exist: it identifies the API.
    confidence : float
        How surely the field holds a token for that parameter, from 0 to 1.
    """

    path: str
    param: str
    sibling: str | None
    confidence: float


TOKEN_FIELDS = (
    TokenField("response_metadata.next_cursor", "cursor", None, 0.95),  # Slack
    TokenField("next_cursor", "start_cursor", "object", 0.95),  # Notion
    TokenField("nextPageToken", "nextPageToken", "isLast", 0.95),  # Jira
    TokenField("LastEvaluatedKey", "ExclusiveStartKey", None, 0.95),  # DynamoDB
    TokenField("NextToken", "NextToken", None, 0.9),  # AWS
    TokenField("paging.next.after", "after", None, 0.95),  # HubSpot
    TokenField("paging.cursors.after", "after", None, 0.9),  # Facebook
    TokenField("cursors.after", "after", None, 0.85),  # Spotify
    TokenField("result_info.cursors.after", "cursor", None, 0.9),  # Cloudflare
    TokenField("data.after", "after", "data.children", 0.9),  # Reddit
    TokenField("meta.next_token", "pagination_token", None, 0.85),  # X
    TokenField("meta.after_cursor", "page[after]", "meta.has_more", 0.9),  # Zendesk
    TokenField("meta.page.after", "page[after]", None, 0.85),  # JSON:API
    TokenField("metadata.continue", "continue", None, 0.95),  # Kubernetes
    TokenField("offset", "offset", "records", 0.9),  # Airtable
    TokenField("next_page", "page", "object", 0.9),  # Stripe's search
    TokenField("cursor", "cursor", None, 0.6),
    TokenField("offset", "offset", None, 0.6),
    TokenField("next", "cursor", None, 0.4),
)
"""Paths in the payload, the surest first where two have the same path."""

ENVELOPE_TOKEN_FIELDS = (
    TokenField("next_cursor", "cursor", None, 0.85),
    TokenField("nextCursor", "cursor", None, 0.85),
    TokenField("next_page_token", "page_token", None, 0.7),
    TokenField("next_page", "page", None, 0.7),
    TokenField("nextPage", "page", None, 0.7),
    TokenField("nextPageToken", "pageToken", None, 0.6),
)
"""Fields of any envelope."""

AMBIGUOUS_TOKENS = {"next_page", "nextPage", "next", "cursor", "offset"}
"""Fields that hold numbers and URLs as often as tokens."""

TOKEN_HEADERS = (
    # header, parameter that takes the token (None: the header holds a URL), confidence
    ("Next-Page", None, 0.95),
    ("Sforce-Locator", "locator", 0.95),  # Salesforce Bulk
    ("x-ms-continuationtoken", "continuationToken", 0.95),  # Azure DevOps
    ("X-Next-Page", "page", 0.88),  # GitLab
    ("CB-AFTER", "after", 0.9),  # Coinbase
)
TOKEN_HEADER_LIKE = re.compile(r"(?:x-)?(?:.*-)?(?:next|continuation|cursor).*", re.IGNORECASE)
"""Names of headers that may hold a token or URL for the next page, an API's own."""
TOKEN_LIKE = _any_of("next cursor continuation marker scroll")
"""Parts of a name that may be a token's."""

# ── Flags ────────────────────────────────────────────────────────────────

MORE_FLAGS = {
    "has_more",
    "hasmore",
    "has_next",
    "has_next_page",
    "has_more_items",
    "has_more_results",
    "has_more_records",
    "has_more_pages",
    "has_more_data",
    "more",
    "more_records",
    "more_items_in_collection",
    "is_truncated",
    "exceeded_transfer_limit",
}
"""Flags that are true while there are more pages (snake case)."""

LAST_FLAGS = {"done", "end_of_records", "last", "is_last", "last_page", "is_last_page"}
"""Flags that are true on the last page (snake case)."""
