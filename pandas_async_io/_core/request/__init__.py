"""A row → a request: URL, headers and body from a template and the cells of a frame.

- `template`: URLs and texts with fields, compiled.
- `cell_values`: what a cell means in each place, and which cells are missing or equal.
- `rows`: the rows of a frame → the distinct requests.
- `base_url`: how a relative template becomes absolute, and which host it fixes.
- `params`: ``params`` written into a URL template.
- `request_template`: the compiled parts of a call's requests.
- `query`: parameters of a request, read and replaced.
- `headers`: headers, checked, compiled and merged.
- `credentials`: the values of ``auth``.
- `deferred_credential`: credentials that are read when they are sent.
- `idempotency`: the ``Idempotency-Key`` of each request.
- `graphql`: the request of a GraphQL query.
- `dry_run`: what would be sent.
- `head`: the bytes of a request's head.
"""
