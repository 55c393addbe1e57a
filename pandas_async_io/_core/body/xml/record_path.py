"""Where the records of an XML document are, if the user does not say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree.ElementTree import Element

_FEEDS = {"feed": ("entry",), "rss": ("channel", "item"), "RDF": ("item",)}
"""Root → records: Atom (RFC 4287), RSS 2.0, RSS 1.0. All else in a feed describes the feed."""


def find_xml_records(root: Element, document: dict[str, Any], name: Callable[[str], str]) -> tuple[str, ...] | None:
    """Return the keys down to the records, which become a list; None: the document is one record.

    The entries of an Atom or RSS feed are its records, also if there is one or none. The children of a root that
    all have one name are, as for `pandas.read_xml`. In a SOAP envelope, the element in the body is the root.

    Parameters
    ----------
    document : dict
        The content of the root.
    name : callable
        Takes a tag and returns its key.
    """
    feed = _find_feed(root)
    if feed is not None:
        parent = document
        for key in feed[:-1]:
            parent = parent[key]
        _make_list(parent, feed[-1])
        if "link" in document:  # with one link, too, its relation decides whether it is the next page's (RFC 5005)
            _make_list(document, "link")
        return feed
    path: tuple[str, ...] = ()
    content: Any = document
    if _local(root.tag) == "Envelope" and "soap" in root.tag.lower():
        body = next((child for child in root if _local(child.tag) == "Body"), None)
        if body is None:
            return None
        root, path = body, (name(body.tag),)
        if len(root) == 1 and len(root[0]):
            root = root[0]
            path = (*path, name(root.tag))
        for key in path:
            content = content[key] if isinstance(content, dict) else None
    tags = {child.tag for child in root}
    is_list = len(tags) == 1 and (len(root) > 1 or len(root[0]) > 0 or len(root[0].keys()) > 0)
    key = name(tags.pop()) if is_list else ""
    if not is_list or not isinstance(content, dict) or key not in content:
        return path or None
    _make_list(content, key)
    return (*path, key)


def _find_feed(root: Element) -> tuple[str, ...] | None:
    feed = _FEEDS.get(_local(root.tag))
    if feed is None:
        return None
    if feed[0] == "channel":
        return feed if [_local(child.tag) for child in root] == ["channel"] and len(root[0]) else None
    is_atom = feed[0] == "entry" and "atom" in root.tag.lower()
    return feed if is_atom or feed[0] in {_local(child.tag) for child in root} else None


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _make_list(fields: dict[str, Any], key: str) -> None:
    """Make a list of the elements of a key, as if there were several; of a text, with its attributes."""
    value = fields.get(key)
    if isinstance(value, str):
        attributes = {name: fields.pop(name) for name in list(fields) if name.startswith(f"{key}.")}
        value = {name.removeprefix(f"{key}."): text for name, text in attributes.items()} | {key: value}
    fields[key] = value if isinstance(value, list) else [] if value is None else [value]
