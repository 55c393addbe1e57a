"""Payload → columns → rows of the user's frame.

- `shape`: the options that say where records are and how their fields are named.
- `records`: the records of a payload, and the ``meta`` fields around them.
- `flatten`: nested records → flat columns, as `pandas.json_normalize`.
- `frames`: frames that a body or a parser gave, beside flattened records.
- `blocks`: the typed columns of some payloads.
- `infinite`: which columns hold infinite numbers.
- `integers`: how whole numbers stay exact.
- `columns`: blocks → whole columns, in dtypes that hold every value.
- `collectors`: payloads and pages, flattened in blocks as they arrive.
- `collected`: the flattened payloads of a run, before they become columns.
- `missing_columns`: what to say about a column that no record has.
- `tabular`: which reader has which tabular format, and its ``read_options``.
- `csv`, `xml`, `arrow`: the readers of CSV, TSV, XML, Parquet and Arrow IPC.
- `pandas_reader`: how pandas' own readers are called.
- `schema`: the types of ``schema``.
- `cast`: one value in another type, exactly or not at all.
- `apply_schema`: columns in the types of a schema; which request a misfit fails.
- `dtype_backend`: columns in nullable or Arrow dtypes.
- `join`: records beside the rows of the user's frame.
- `collisions`: how a taken column name is resolved.
- `merge`: the payloads of a run and of its `retry_failed` as those of one run.
"""
