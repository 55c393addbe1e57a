"""Payload → records.

- `shape`: the options that say where records are and how their fields are named.
- `records`: the records of a payload, and the ``meta`` fields around them.
- `list_cells`: lists inside records → rows, or the cells at their positions.
- `missing_columns`: what to say about a column that no record has.
- `missing_paths`: what to say about a path that answers leave out.
- `nearest_path`: the path that a ``record_path`` meant.
"""
