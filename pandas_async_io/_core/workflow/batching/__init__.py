"""Batching: many keys in one request, and an answer for each key.

- `key_field`: which field of a request takes the keys
- `batches`: the distinct keys of a frame, in blocks
- `matching`: each record of an answer → its key
- `halving`: which refused blocks are split, and when
- `workflow`: block → records of each key, or the two halves of a refused block
"""
