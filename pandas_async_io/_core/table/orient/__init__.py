"""The forms in which ``orient=`` finds records: pandas' own, as `pandas.read_json` and `DataFrame.to_json` have them.

- `table`: one value in such a form → its columns.
- `table_records`: the records of many tables, column by column.
"""
