"""``pages="auto"``: recognises how an API pages, from its first page.

`page_evidence`: what the first page shows, before any interpretation.
`flags`: the flag that says whether there are more pages.
`by_api`: candidates by the path of a known API and its page size.
`by_link`: candidates by links, in headers and in the payload.
`by_token`: candidates by tokens, and by GraphQL's ``pageInfo``.
`by_count`: candidates by offsets, page numbers and totals.
`detect`: which candidate is used, and when the user is asked.
"""
