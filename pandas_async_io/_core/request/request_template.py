"""The parts of a request, compiled once per call, before any row is read.

The URL is an RFC 6570 template; parameters are written into it. Header values, bodies and parameters are
texts with fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.models import SAFE_METHODS
from pandas_async_io._core.request.base_url import find_literal_origin, join_base_url
from pandas_async_io._core.request.text_template import FieldReference, TextTemplate
from pandas_async_io._core.request.url_template import UrlTemplate, encode_field_name
from pandas_async_io._core.request.values import compile_body, compile_values, render_option
from pandas_async_io._core.security.unsafe_values import is_forbidden_header
from pandas_async_io._core.words import show_value

if TYPE_CHECKING:
    from pandas_async_io._core.security.origins import Origin


@dataclass(frozen=True, slots=True)
class RequestTemplate:
    """The compiled parts that each row's request is made of.

    Attributes
    ----------
    url_template : UrlTemplate
        The absolute URL, ``params`` included.
    method : str
        In upper case.
    origin : Origin or None
        The origin of all requests; None if rows decide it (``allow_hosts``).
    headers : tuple of (str, TextTemplate)
        Literal values are checked; values with fields are checked per row.
    body_kind : str
        "json", "text", "bytes", "form" or "none".
    body : JSON value with TextTemplate leaves, TextTemplate, bytes, list of (str, TextTemplate), or None
        By ``body_kind``.
    safe : bool
        Whether the request only reads: equal ones are sent once.
    """

    url_template: UrlTemplate
    method: str
    origin: Origin | None
    headers: tuple[tuple[str, TextTemplate], ...]
    body_kind: str
    body: Any
    safe: bool

    @property
    def url_and_header_fields(self) -> frozenset[str]:
        """The fields in the URL or in headers."""
        return frozenset([*self.url_template.fields, *(name for _, text in self.headers for name in text.fields)])

    @property
    def header_and_body_fields(self) -> tuple[str, ...]:
        """The fields whose text goes into headers or body, each once."""
        texts = [text for _, text in self.headers]
        texts += [text for text in _find_texts(self.body) if not self._is_json_field(text)]
        return tuple(dict.fromkeys(name for text in texts for name in text.fields))

    @property
    def text_fields(self) -> tuple[str, ...]:
        """The fields whose text goes into the request, each once."""
        return tuple(dict.fromkeys([*self.url_template.fields, *self.header_and_body_fields]))

    @property
    def json_fields(self) -> tuple[str, ...]:
        """The fields that are a whole JSON value and keep their type, each once."""
        return tuple(dict.fromkeys(text.fields[0] for text in _find_texts(self.body) if self._is_json_field(text)))

    @property
    def has_fields_outside_url(self) -> bool:
        """Whether headers or body have fields."""
        return bool(self.header_and_body_fields or self.json_fields)

    def _is_json_field(self, text: TextTemplate) -> bool:
        return self.body_kind == "json" and text.sole_field is not None


def _find_texts(body: Any) -> Iterator[TextTemplate]:
    """Return the texts of a compiled body, in order."""
    if isinstance(body, TextTemplate):
        yield body
    elif isinstance(body, dict | list | tuple):
        for part in body.values() if isinstance(body, dict) else body:
            yield from _find_texts(part)


def compile_request_template(
    url: str,
    *,
    base_url: str = "",
    method: str = "GET",
    params: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    data: Any = None,
    safe: bool = False,
    allow_hosts: Sequence[str] = (),
) -> RequestTemplate:
    """Compile the parts of a request.

    Parameters
    ----------
    url : str
        RFC 6570 template, absolute or relative to ``base_url``.
    safe : bool
        Whether the request only reads although its method is not safe.

    Raises
    ------
    PlanError
        A part is wrong; a `TemplateError` if it is the URL.

    Examples
    --------
    >>> params = {"q": "{name}", "size": 10}
    >>> template = compile_request_template("/users/{id}", base_url="https://e.com/v1", params=params)
    >>> template.url_template.text
    'https://e.com/v1/users/{id}?q={name}&size=10'
    """
    if json is not None and data is not None:
        raise PlanError("json= and data= are both given: a request has one body")
    url_template = UrlTemplate.compile(_add_params(join_base_url(url, base_url), params))
    origin = find_literal_origin(url_template, allow_hosts)
    if headers is not None and not isinstance(headers, Mapping):
        raise PlanError(f"headers={show_value(headers)}: pass a mapping of names to values")
    compiled = [(name, TextTemplate.compile(_header_value(name, value))) for name, value in (headers or {}).items()]
    kind, body, content_type = compile_body(json, data)
    if content_type and not any(name.lower() == "content-type" for name, _ in compiled):
        compiled.append(("Content-Type", TextTemplate.compile(content_type)))
    method = check_method(method)
    return RequestTemplate(url_template, method, origin, tuple(compiled), kind, body, safe or method in SAFE_METHODS)


def check_method(method: str) -> str:
    """Return a method in upper case.

    Raises
    ------
    PlanError
        The method is not a word.

    Examples
    --------
    >>> check_method("post")
    'POST'
    """
    if not isinstance(method, str) or not re.fullmatch(r"[A-Za-z]+", method):
        raise PlanError(f"method={show_value(method)} is not an HTTP method: pass 'GET', 'POST', …")
    return method.upper()


def _add_params(url: str, params: Mapping[str, Any] | None) -> str:
    """Write the parameters into the URL template, so that a cell is encoded for a query in one place only."""
    if params is None:
        return url
    if not isinstance(params, Mapping):
        raise PlanError(f"params={show_value(params)}: pass a mapping of names to values")
    query = "&".join(
        _param(name, text) for name, value in params.items() for text in compile_values("params", name, value)
    )
    if not query:
        return url
    first = re.search(r"\{?\?|\{&", url)
    if first and first[0] == "{?":  # where {?a} is undefined its question mark is missing, so our parameters come first
        return url.replace("{?", f"?{query}{{&", 1)
    return f"{url}{'&' if first else '?'}{query}"


def _param(name: str, text: TextTemplate) -> str:
    encoded = "".join(
        f"{{{encode_field_name(part.name)}}}" if isinstance(part, FieldReference) else quote(part, safe="")
        for part in text.parts
    )
    return f"{quote(name, safe='')}={encoded}"


def _header_value(name: Any, value: Any) -> str:
    text = value if isinstance(value, str) else render_option(f"headers[{show_value(name)}]", value)
    if not isinstance(name, str) or text is None or is_forbidden_header(name, text):
        raise PlanError(f"headers: {show_value(name)}: a name is a token, a value is text without line breaks")
    return text
