"""Content and transfer codings undone.

- `content_coding`: content codings undone in bounded memory.
- `transfer_coding`: transfer codings other than chunked undone.
- `coding_libraries`: the libraries for gzip, deflate, Brotli and zstd behind one interface.
"""
