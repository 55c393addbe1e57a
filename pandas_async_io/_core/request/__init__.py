"""A row → a request: URL, headers and body from a template and the cells of a frame.

In the order of their use:

* `url_template`, `expression`: RFC 6570 templates, compiled and expanded over columns
* `query_start`: which part of an expanded URL begins its query
* `field_names`: what the columns and index levels of a frame are called
* `text_template`: texts with fields, for headers, parameters and bodies
* `xml_text`: how a value is written in an XML body
* `cells`: which text or JSON value a cell has, and which cells are null
* `base_url`: how a relative template becomes absolute, and which host it fixes
* `values`: which values ``params``, ``headers``, ``json`` and ``data`` take
* `params`: ``params`` written into a URL template
* `request_template`: the compiled parts of a call's requests
* `fields`: which column a field names
* `deduplicate`: which rows have equal values
* `expand`, `expand_urls`: which requests the rows make
* `missing_values`: what each place does without a value, and which rows are not sent for lack of one
* `row_checks`: which rows and URLs are unsafe to send
* `expansion`: the distinct requests, and which row each belongs to
* `request_builder`: headers and bodies, filled when a request is sent
* `query`: parameters of a request, read and replaced
* `headers`, `credentials`, `idempotency`, `graphql`: headers merged, credentials, keys and queries
* `dry_run`: what would be sent
* `head`: the bytes of a request's head
"""
