"""Paginators: from a page to the next request.

- `paginators`: what the option ``pages`` accepts, and the next request by any paginator.
- `next_url`: the paginators that follow a link, `LinkHeader` and `NextUrl`.
- `cursor`: the paginators that send back a token, `Cursor` and `GraphQLCursor`.
- `page_number`: the paginators that count, `PageNumber` and `Offset`.
- `paginator_fields`: the check, the repr and the old names of the paginators' fields.
- `extracted_page`: a page with its records, which a paginator looks at.
"""
