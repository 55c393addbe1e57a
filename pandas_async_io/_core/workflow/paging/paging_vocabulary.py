"""What APIs call things when they tell of their pages.

The law of this file: tables, no decisions. What is said to be in snake case is
compared with a name that `snake` has made so.
"""

from __future__ import annotations

import re

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def snake(name: str) -> str:
    """Return a name in snake case.

    Examples
    --------
    >>> snake("hasNextPage"), snake("NextToken"), snake("has_more")
    ('has_next_page', 'next_token', 'has_more')
    """
    return _HUMP.sub("_", name).lower()


# Lists of an answer, by their own name or by that of the object they are in.
RECORDS = re.compile(
    "data|items|results|records|values?|entr(?:y|ies)|objects|hits|rows|nodes|edges|features|list|content|elements",
    re.IGNORECASE,
)
BESIDE = re.compile("_?links?|errors|warnings|included|facets|aggregations|messages", re.IGNORECASE)
ABOUT = re.compile("_?links?|_?meta", re.IGNORECASE)  # what lies in these is about the page, not on it
AROUND = re.compile(  # in snake case: what stands beside the records, and is nobody's own field
    r"@.*|hydra:.*|_?links?|(?:.*_)?meta(?:data)?|(?:page|paging|pagination|total|next|prev|previous|has|num)(?:_.*)?"
    r"|.*_(?:count|token|cursor|info)|(?:first|last)(?:_?(?:page|id))?|count|cursor|more|limit|offset|size|skip"
    r"|start(?:_at|_index)?|from|after|before|(?:.*_)?per_page|max_results|done|is_last|(?:is_)?truncated|success|ok|status|code|messages?|errors?|warnings"
    r"|object|kind|api_version|took|url|href|self"
)

# Numbers of records.
COUNT = re.compile(
    r"(?:hydra:)?total(?:_?(?:count|results?|elements|items|records|size|rows|hits|entries|features|objects))?"
    r"|numFound|number_?Matched|nbHits|records_?(?:Filtered|Total)|@odata\.count|__count|count",
    re.IGNORECASE,
)
LESS = {"count", "recordsTotal"}  # the length of the page, or what was there before a filter
COUNT_HEADERS = ("X-Total-Count", "Total-Objects", "X-Total", "X-WP-Total", "Content-Range")

# The objects in which an answer tells of its pages.
ENVELOPES = (
    *(("meta",), ("pagination",), ("paging",), ("page",), ("meta", "pagination"), ("meta", "page"), ("_meta",)),
    *(("info",), ("result_info",), ("data", "pagination"), ("data", "meta")),
)
TOLD = (
    ("data",),
    ("pageInfo",),
    ("page_info",),
    ("metadata",),
    ("additional_data", "pagination"),
)  # too vague for a total, not for the rest

# Links to the next page: what they are called, and in which objects of an envelope they may be.
NEXT = (
    *("next", "next_url", "next_page_url", "nextPageUrl", "next_href", "next_page", "nextLink", "nextPage"),
    *("@odata.nextLink", "odata.nextLink", "nextRecordsUrl", "__next", "hydra:next"),
)
LINKS = ("_links", "links", "hydra:view")
BEFORE = {"previous", "prev", "count"}  # beside these a null says: this is the last page

# Tokens: where they are, the parameter that takes them, a companion that names the API, how sure that is.
TOKENS = (
    ("response_metadata.next_cursor", "cursor", None, 0.95),
    ("next_cursor", "start_cursor", "object", 0.95),
    ("nextPageToken", "nextPageToken", "isLast", 0.95),
    ("LastEvaluatedKey", "ExclusiveStartKey", None, 0.95),
    ("NextToken", "NextToken", None, 0.9),
    ("paging.next.after", "after", None, 0.95),
    ("paging.cursors.after", "after", None, 0.9),
    ("cursors.after", "after", None, 0.85),
    ("result_info.cursors.after", "cursor", None, 0.9),
    ("data.after", "after", "data.children", 0.9),
    ("meta.next_token", "pagination_token", None, 0.85),
    ("meta.after_cursor", "page[after]", "meta.has_more", 0.9),
    ("meta.page.after", "page[after]", None, 0.85),
    ("metadata.continue", "continue", None, 0.95),
    ("offset", "offset", "records", 0.9),
    ("next_page", "page", "object", 0.9),
    ("cursor", "cursor", None, 0.6),
    ("offset", "offset", None, 0.6),
    ("next", "cursor", None, 0.4),
)
TOKENS_ANYWHERE = (  # in any envelope
    ("next_cursor", "cursor", 0.85),
    ("nextCursor", "cursor", 0.85),
    ("next_page_token", "page_token", 0.7),
    ("next_page", "page", 0.7),
    ("nextPage", "page", 0.7),
    ("nextPageToken", "pageToken", 0.6),
)
VAGUE = {"next_page", "nextPage", "next", "cursor", "offset"}  # these hold numbers and URLs as often as tokens
TOKEN_HEADERS = (  # with the parameter that takes the token, None if it is a URL
    ("Next-Page", None, 0.95),
    ("Sforce-Locator", "locator", 0.95),
    ("x-ms-continuationtoken", "continuationToken", 0.95),
    ("X-Next-Page", "page", 0.88),
)
TOKEN = re.compile("next|cursor|continuation|marker|scroll", re.IGNORECASE)

# Flags, in snake case, that say there is more; and those that say there is none.
MORE = {
    *("has_more", "hasmore", "has_next", "has_next_page", "has_more_items", "has_more_results", "has_more_records"),
    *("has_more_pages", "has_more_data", "more", "more_records", "more_items_in_collection", "is_truncated"),
}
DONE = {"done", "last", "is_last", "last_page", "is_last_page"}

# Pages and records by number: parameters, and what answers say of them.
PARAMS = ("page", "_page", "p", "pageNumber", "page_number", "pageIndex", "page_index")
SIZES = ("per_page", "_limit", "limit", "page_size", "pageSize", "size")
PAGES = (
    *("total_pages", "totalPages", "last_page", "lastPage", "page_count", "pageCount", "nbPages", "pages"),
    *("totalPageCount", "total_page_count"),
)
ECHOES = ("page", "current_page", "currentPage", "number", *PARAMS[3:])
PAGES_HEADERS = ("X-Total-Pages", "X-WP-TotalPages")
OFFSETS = (
    *(("startAt", "maxResults"), ("offset", "limit"), ("skip", "limit"), ("start", "limit"), ("from", "size")),
    ("startIndex", "itemsPerPage"),
)
OFFSET_OF = {"@odata.count": "$skip", "__count": "$skip", "value": "from"}  # by the count's name
TOTALS = ("total", "total_count", "totalCount", "total_results", "totalResults", "total_records", "totalRecords")

URL = re.compile(r"(?:https?://|[/?]).*", re.DOTALL)
