"""Templates: URLs and texts with fields.

- `url_template`: RFC 6570 templates, compiled and expanded over columns.
- `expression`: one expression of them, ``{?a,b*}``.
- `query_start`: which part of an expanded URL begins its query.
- `text_template`: texts with fields, for headers, parameters and bodies.
- `xml_text`: how a value is written in an XML body.
- `field_names`: what the columns and index levels of a frame are called.
"""
