"""A call whose records are given out as they come.

- `streamed_call`: sends a call, as far as its reader keeps up.
- `chunk_builder`: makes frames of the rows that came.
- `chunks`: the iterator over frames of one size.
"""
