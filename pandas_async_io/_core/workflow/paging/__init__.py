"""Paging: reads every page of a row.

`paginators`: what the option ``pages`` accepts, and the next request by any paginator.
`next_url`: the paginators that follow a link, `LinkHeader` and `NextUrl`.
`cursor`: the paginators that send back a token, `Cursor` and `GraphQLCursor`.
`page_number`: the paginators that count, `PageNumber` and `Offset`.
`paginator_fields`: the check, the repr and the old names of the paginators' fields.
`extracted_page`: a page with its records, which a paginator looks at.
`link_header`: the grammar of the ``Link`` header.
`links`: the URL of a link, and where links may lead.
`url_sequence`: page numbers and offsets that grow from link to link.
`paging_vocabulary`: the words that APIs use for paging, as tables.
`envelope`: which list of a payload holds the records, and where their total is.
`record_locator`: where the records of a chain's pages are.
`record_totals`: the number of records that pages announce, and that came.
`duplicates`: pages and records that come twice.
`detect`: ``pages="auto"``.
`further_pages`: whether the answers of a call without ``pages=`` have further pages.
`chain`: the pages of one row.
`page_failure`: the message of a page that failed, and expired cursors.
`learnt_paging`: what the first pages of a run show for its other rows.
`workflow`: one chain per position.
"""
