"""Bytes → payload: what a response's body holds, or which error it is.

- `coding`: content and transfer codings undone.
- `compressed_file`: files that are compressed by themselves, as ``.gz``, unpacked in bounded memory.
- `content_type`: the format that ``Content-Type``, the URL's suffix or the first bytes name.
- `format`: which format a body is in.
- `charset`: bytes → text.
- `json`: JSON and NDJSON, with exact integers.
- `xml`: XML, with all of its elements, attributes and texts.
- `duplicate_keys`: keys that an object holds twice.
- `hints`: signs that a body's data are not what they seem.
- `tabular_readers`: the readers of tabular formats, as an argument.
- `parse_errors`: errors that show where a body breaks and mask secrets.
- `decode`: what reads each format.
- `self_reference`: whether a payload that a ``parser`` returned holds itself.
- `interpret`: ``format``, ``parser`` and ``error_when`` of a call.
- `graphql_errors`: the errors that a GraphQL response reports.
"""
