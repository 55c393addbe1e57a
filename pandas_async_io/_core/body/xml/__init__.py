"""XML → payload.

- `document`: what a document and its texts are as a payload.
- `parse`: elements, attributes and texts → objects, lists and texts, with lxml or the standard library.
- `record_path`: where the records of a document are, if the user does not say it.
"""
