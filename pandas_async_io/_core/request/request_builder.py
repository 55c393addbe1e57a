"""TODO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from pandas_async_io._core.models import NO_HEADERS, Request
from pandas_async_io._core.request.cells import dump_json, to_json_value
from pandas_async_io._core.request.deduplicate import _one_text
from pandas_async_io._core.request.headers import merge_headers
from pandas_async_io._core.request.text_template import TextTemplate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas_async_io._core.arrays import Positions
    from pandas_async_io._core.request.fields import FieldColumn
    from pandas_async_io._core.request.request_template import RequestTemplate


@dataclass(frozen=True, slots=True)
class RequestBuilder:
    """Headers and a body with fields, made when the request is sent.

    Attributes
    ----------
    keys : dict of str to Key
        The columns of all fields.
    rows : array of int64
        For each request the row that it is made of.
    arrays : dict of str to array
        The columns as they are in the frame, for JSON values that keep their type.
    """

    recipe: RequestTemplate
    keys: Mapping[str, FieldColumn]
    rows: Positions
    arrays: Mapping[str, Any]

    def request(self, position: int, url: str, method: str, headers: Mapping[str, str]) -> Request:
        """Make one request."""
        row = self.rows[position : position + 1]
        own = {name: text.fill(self._texts(text, row)) for name, text in self.recipe.headers if text.fields}
        return Request(url, method, merge_headers(headers, own) if own else headers, self._body(row))

    def identity(self, position: int, url: str) -> bytes:
        """Return all that tells a request from the others of its run."""
        request = self.request(position, url, "", NO_HEADERS)
        return b"\n".join([url.encode(), *map(str.encode, request.headers.values()), request.body or b""])

    def _texts(self, text: TextTemplate, row: Positions) -> dict[str, str]:
        return {name: _one_text(self.keys[name].texts(row)[0]) for name in text.fields}

    def _body(self, row: Positions) -> bytes | None:
        kind, body = self.recipe.body_kind, self.recipe.body
        if kind == "json":
            return dump_json(self._json(body, row))
        if kind == "text":
            return str(body.fill(self._texts(body, row))).encode()
        if kind == "form":
            return urlencode([(name, text.fill(self._texts(text, row))) for name, text in body]).encode()
        return body if kind == "bytes" else None

    def _json(self, value: Any, row: Positions) -> Any:
        if isinstance(value, TextTemplate):
            if value.alone is not None:
                return to_json_value(self.arrays[value.alone][int(row[0])])
            return value.fill(self._texts(value, row))
        if isinstance(value, dict):
            return {key: self._json(item, row) for key, item in value.items()}
        return [self._json(item, row) for item in value] if isinstance(value, list) else value
