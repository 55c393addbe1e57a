"""Paging: reads every page of a row.

- `links`: links to other pages, and where they may lead.
- `paginators`: from a page to the next request.
- `records`: where the records of a chain are, how many, which come twice.
- `paging_vocabulary`: the words that APIs use for paging, as tables.
- `page_fields`: which objects of a payload describe a page.
- `envelope`: which list of a payload holds the records, and where their total is.
- `detect`: ``pages="auto"``.
- `further_pages`: whether the answers of a call without ``pages=`` have further pages.
- `paging_options`: the settings that all chains of a run share.
- `chain`: the pages of one row.
- `requested_pages`: the requests of a chain, each once.
- `page_failure`: the message of a page that failed, and expired cursors.
- `learnt_paging`: what the first pages of a run show for its other rows.
- `workflow`: one chain per position.
"""
