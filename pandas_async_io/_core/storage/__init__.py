"""Decisions about kept answers. Nothing is read or written here.

- `fingerprint`: which requests have the same answer, and whose answer it is.
- `keeping`: which answers are kept.
- `answer_bytes`: an answer as bytes, and back.
- `hidden_secrets`: the call's credentials in an answer that repeats them.
- `http_cache`: the store of a call as an HTTP cache.
- `usage`: what a call took from its store and kept in it, in words.
- `manifest`: which parts of a folder are good, and whether a call may go on with them.
- `cache_fields`: the header fields that an HTTP cache reads.
- `freshness`: whether a kept answer is given without a request, as RFC 9111 says.
- `revalidation`: asking the server whether a kept answer still holds, and what its 304 changes.
"""
