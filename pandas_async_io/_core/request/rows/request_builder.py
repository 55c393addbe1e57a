"""Headers and bodies with fields, filled for one row when its request is sent.

They are not kept: only the columns are, so memory does not grow with the number of requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from pandas_async_io._core.models import NO_HEADERS, Request
from pandas_async_io._core.request.cell_values.cells import dump_json, to_json_value
from pandas_async_io._core.request.headers import merge_headers
from pandas_async_io._core.request.template.text_template import TextTemplate
from pandas_async_io._core.request.template.xml_text import fill_xml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.request.cell_values.fields import FieldColumn
    from pandas_async_io._core.request.request_template import RequestTemplate


@dataclass(frozen=True, slots=True)
class RequestBuilder:
    """Builds requests whose headers or body have fields.

    Attributes
    ----------
    columns : dict of str to FieldColumn
        By field that is written into a text: `write_lists_as_json` made them, so each text is a str.
    rows : array of int64
        For each request the row that it is made of.
    arrays : dict of str to array
        By field, the column as it is in the frame, for JSON values that keep their type.
    has_gaps : bool
        Whether a field is missing in some row.
    """

    template: RequestTemplate
    columns: Mapping[str, FieldColumn]
    rows: Positions
    arrays: Mapping[str, Any]
    has_gaps: bool = True

    def request(self, position: int, url: str, method: str, headers: Mapping[str, str]) -> Request:
        """Build one request."""
        row = self.rows[position : position + 1]
        own = {name: text.fill(self._texts(text, row)) for name, text in self.template.headers if text.fields}
        if self.has_gaps and self.template.missing.omits_headers:
            missing = {name for name, text in self.template.headers if self._is_missing(text, row)}
            own = {name: text for name, text in own.items() if name not in missing}
        return Request(url, method, merge_headers(headers, own) if own else headers, self._body(row))

    def identity(self, position: int, url: str) -> bytes:
        """Return bytes that are equal for two requests of a run if and only if the requests are equal."""
        request = self.request(position, url, "", NO_HEADERS)
        headers = request.headers.items()  # with their names, because some may be left out
        return b"\n".join([url.encode(), *(f"{name}:{value}".encode() for name, value in headers), request.body or b""])

    def _texts(self, text: TextTemplate, row: Positions) -> dict[str, str]:
        return {name: str(self.columns[name].render_rows(row)[0] or "") for name in text.fields}

    def _is_missing(self, text: TextTemplate, row: Positions) -> bool:
        """Whether a text is a field whose value is missing."""
        return text.sole_field is not None and self.columns[text.sole_field].codes[row[0]] < 0

    def _body(self, row: Positions) -> bytes | None:
        kind, body = self.template.body_kind, self.template.body
        if kind == "json":
            if self.has_gaps and self.template.missing.omits_json:
                return dump_json(self._json_without_missing(body, row))
            return dump_json(self._json(body, row))
        if kind == "text":
            return str(body.fill(self._texts(body, row))).encode()
        if kind == "xml":
            return fill_xml(body, self._texts(body, row)).encode()
        if kind == "form":
            if self.has_gaps and not self.template.missing.sends_empty:
                body = [(name, text) for name, text in body if not self._is_missing(text, row)]
            return urlencode([(name, text.fill(self._texts(text, row))) for name, text in body]).encode()
        return body if kind == "bytes" else None

    def _json(self, value: Any, row: Positions) -> Any:
        if isinstance(value, TextTemplate):
            if value.sole_field is not None:
                return to_json_value(self.arrays[value.sole_field][int(row[0])])
            return value.fill(self._texts(value, row))
        if isinstance(value, dict):
            return {key: self._json(item, row) for key, item in value.items()}
        return [self._json(item, row) for item in value] if isinstance(value, list) else value

    def _json_without_missing(self, value: Any, row: Positions) -> Any:
        """Return a JSON value without the keys and items whose value is a field that is missing."""
        if isinstance(value, dict):
            found = {key: self._json_without_missing(item, row) for key, item in value.items()}
            return {key: item for key, item in found.items() if item is not None or not _is_lone(value[key])}
        if isinstance(value, list):
            items = [(part, self._json_without_missing(part, row)) for part in value]
            return [item for part, item in items if item is not None or not _is_lone(part)]
        return self._json(value, row)


def _is_lone(value: Any) -> bool:
    return isinstance(value, TextTemplate) and value.sole_field is not None
