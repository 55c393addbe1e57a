"""Records → columns.

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
- `object_group`: the objects at one path of many records, key by key.
"""
