"""Headers and bodies with fields, filled for one row when its request is sent.

They are not kept: only the columns are, so memory does not grow with the number of requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from pandas_async_io._core.models import NO_HEADERS, Request
from pandas_async_io._core.request.cells import dump_json, to_json_value
from pandas_async_io._core.request.headers import merge_headers
from pandas_async_io._core.request.text_template import TextTemplate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.request.expression import Value
    from pandas_async_io._core.request.fields import FieldColumn
    from pandas_async_io._core.request.request_template import RequestTemplate


@dataclass(frozen=True, slots=True)
class RequestBuilder:
    """Builds requests whose headers or body have fields.

    Attributes
    ----------
    columns : dict of str to FieldColumn
        By field.
    rows : array of int64
        For each request the row that it is made of.
    arrays : dict of str to array
        By field, the column as it is in the frame, for JSON values that keep their type.
    """

    template: RequestTemplate
    columns: Mapping[str, FieldColumn]
    rows: Positions
    arrays: Mapping[str, Any]

    def request(self, position: int, url: str, method: str, headers: Mapping[str, str]) -> Request:
        """Build one request."""
        row = self.rows[position : position + 1]
        own = {name: text.fill(self._texts(text, row)) for name, text in self.template.headers if text.fields}
        return Request(url, method, merge_headers(headers, own) if own else headers, self._body(row))

    def identity(self, position: int, url: str) -> bytes:
        """Return bytes that are equal for two requests of a run if and only if the requests are equal."""
        request = self.request(position, url, "", NO_HEADERS)
        return b"\n".join([url.encode(), *map(str.encode, request.headers.values()), request.body or b""])

    def _texts(self, text: TextTemplate, row: Positions) -> dict[str, str]:
        return {name: _to_single_text(self.columns[name].render_rows(row)[0]) for name in text.fields}

    def _body(self, row: Positions) -> bytes | None:
        kind, body = self.template.body_kind, self.template.body
        if kind == "json":
            return dump_json(self._json(body, row))
        if kind == "text":
            return str(body.fill(self._texts(body, row))).encode()
        if kind == "form":
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


def _to_single_text(cell: Value) -> str:
    return cell if isinstance(cell, str) else "" if cell is None else dump_json(cell).decode()
