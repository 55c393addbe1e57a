"""Readers of tabular bodies.

- `tabular`: which reader has which tabular format, and its ``read_options``.
- `csv`: CSV and TSV.
- `xml`: XML.
- `arrow`: Parquet and Arrow IPC.
- `pandas_reader`: how pandas' own readers are called.
"""
