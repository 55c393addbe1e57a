"""The records of a chain: where they are, how many, which come twice.

- `record_locator`: where the records of a chain's pages are.
- `parsed_page`: a page that ``parser=`` has read.
- `record_totals`: the number of records that pages announce, and that came.
- `duplicates`: pages and records that come twice.
"""
