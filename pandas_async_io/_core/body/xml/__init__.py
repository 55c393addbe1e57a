"""XML → payload.

- `document`: what a document and its texts are as a payload.
- `parse`: elements, attributes and texts → objects, lists and texts, with lxml or the standard library.
- `name_keys`: names, with a prefix where they are in several namespaces → keys.
- `record_path`: where the records of a document are, if the user does not say it.
"""
