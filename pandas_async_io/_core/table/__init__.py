"""Payload → columns → rows of the user's frame.

- `readers`: the readers of CSV, TSV, XML, Parquet and Arrow IPC.
- `orient`: the forms of records that ``orient=`` names.
- `columns`: payloads → columns, block by block.
- `types`: the types of columns: schema and dtype backend.
- `output`: columns beside the rows of the frame.
- `list_cells`: lists inside records → rows, or the cells at their positions.
- `stream`: records as they come, in the order of the rows.
"""
