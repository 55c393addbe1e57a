"""What tests of templates share."""

from __future__ import annotations


def optional_fields(template):
    """Return the fields in ``{?…}`` and ``{&…}`` only: they are left out where undefined."""
    needed = {v.field for part in template.expressions if part.operator not in ("?", "&") for v in part.variables}
    return set(template.fields) - needed
