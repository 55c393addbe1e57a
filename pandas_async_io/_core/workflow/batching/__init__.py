"""Batching: many keys in one request, and a result for each key.

- `key_field`: which field of a request takes the keys
- `batches`: the distinct keys of a frame, in blocks
- `key_text`: the text by which keys and records are compared
- `answer_layout`: where an answer holds its records
- `matching`: each record → its key
- `halving`: which refused blocks are split, and when
- `workflow`: block → a result for each key, or the halves of a refused block
"""
