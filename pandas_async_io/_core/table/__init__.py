"""Payload → columns → rows of the user's frame.

- `readers`: the readers of CSV, TSV, XML, Parquet and Arrow IPC.
- `orient`: the forms of records that ``orient=`` names.
- `records`: the records of a payload, the lists inside them, and paths that are missing.
- `columns`: payloads → columns, block by block.
- `types`: the types of columns: schema and dtype backend.
- `output`: columns beside the rows of the frame.
- `stream`: records as they come, in the order of the rows.
"""
