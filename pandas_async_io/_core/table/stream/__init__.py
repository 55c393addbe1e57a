"""Records as they come: in the order of the rows, a chunk at a time.

- `record_stream`: which rows are ready, and which requests may start meanwhile.
- `first_columns`: columns in the dtypes of the first chunk; what is a drift.
- `arrow_table`: a frame as an Arrow table with the schema of the first part.
"""
