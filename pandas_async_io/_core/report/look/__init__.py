"""Looks at a payload: what it is, and which options make it a tidy frame.

- `table_form`: which form of a table a value has: records, columns, index, values, split.
- `shape`: where the table of a payload is, and the options that read it.
- `first_answer`: the hint about the first answers of a call that says nothing of their shape.
- `types`: the types of a schema that the texts and numbers of columns show.
- `payload_tree`: a payload as a tree of text.
- `findings`: everything that one answer shows, as a text and as HTML.
"""
