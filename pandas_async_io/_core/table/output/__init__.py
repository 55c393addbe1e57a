"""Columns → rows beside those of the frame.

- `join`: records beside the rows of the user's frame.
- `merge`: the payloads of a run and of its `retry_failed` as those of one run.
"""
