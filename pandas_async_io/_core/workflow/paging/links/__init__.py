"""Links to other pages.

- `link_header`: the grammar of the ``Link`` header.
- `links`: the URL of a link, and where links may lead.
- `url_sequence`: page numbers and offsets that grow from link to link.
"""
