"""Names of XML → keys: local names, with a prefix where a document has one in several namespaces."""

from __future__ import annotations

import html
import re

_NAMESPACE = re.compile(r"""\sxmlns(?::([\w.-]+))?\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""")
_XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"


class NameKeys:
    """The keys of the tags of a document, or of its attributes.

    Attributes
    ----------
    keys : dict of str to str
        Tag to key, of the tags that were asked for.
    ambiguous : set of str
        Local names that are in several namespaces.
    """

    def __init__(self, text: str) -> None:
        self.keys: dict[str, str] = {}
        self.ambiguous: set[str] = set()
        self._text = text
        self._tags: dict[str, str] = {}
        self._prefixes: dict[str, str] | None = None

    def key(self, tag: str) -> str:
        """Return the key of a tag: its local name, or with a prefix where that is ambiguous."""
        if tag in self.keys:
            return self.keys[tag]
        namespace, _, local = tag.rpartition("}")
        key = self._with_prefix(namespace[1:], local) if local in self.ambiguous else local
        if self._tags.setdefault(key, tag) != tag:
            if local in self.ambiguous:  # two namespaces without a prefix
                return self.keys.setdefault(tag, tag)
            self.ambiguous.add(local)
            self.keys.clear()
            self._tags.clear()
            return self.key(tag)
        self.keys[tag] = key
        return key

    def _with_prefix(self, namespace: str, local: str) -> str:
        if self._prefixes is None:
            self._prefixes = {_XML_NAMESPACE: "xml"}
            for prefix, *uris in _NAMESPACE.findall(self._text):
                self._prefixes.setdefault(html.unescape("".join(uris)), prefix)
        prefix = self._prefixes.get(namespace, "")
        return f"{prefix}:{local}" if prefix else local
