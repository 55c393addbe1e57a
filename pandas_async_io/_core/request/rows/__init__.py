"""The rows of a frame → the distinct requests.

- `row_checks`: which rows and URLs are unsafe to send.
- `expand`: which requests the rows make by a template.
- `expand_urls`: which requests the rows make that hold whole URLs.
- `expansion`: the distinct requests, and which row each belongs to.
- `request_builder`: headers and bodies, filled when a request is sent.
"""
