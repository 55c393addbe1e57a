"""Payloads → columns.

- `flatten`: nested records → flat columns, as `pandas.json_normalize`.
- `frames`: frames that a body or a parser gave, beside flattened records.
- `blocks`: the typed columns of some payloads.
- `infinite`: which columns hold infinite numbers.
- `integers`: how whole numbers stay exact.
- `xml_texts`: texts of XML → numbers and booleans.
- `columns`: blocks → whole columns, in dtypes that hold every value.
- `collectors`: payloads and pages, flattened in blocks as they arrive.
- `collected`: the flattened payloads of a run, before they become columns.
- `collisions`: how a taken column name is resolved.
- `messages`: texts in place of tables.
- `missing_columns`: what to say about a column that no record has.
- `missing_paths`: what to say about a path that answers leave out.
- `nearest_path`: the path that a ``record_path`` meant.
- `object_group`: the objects at one path of many records, key by key.
- `records`: the records of a payload, and the ``meta`` fields around them.
- `shape`: the options that say where records are and how their fields are named.
"""
