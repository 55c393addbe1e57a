"""The parts of a request, compiled once per call, before any row is looked at.

The URL is an RFC 6570 template. Everywhere else (``params``, ``headers``,
``json``, ``data``) only ``{name}`` with a legal variable name is a field and is
inserted as it is; ``{{name}}`` stands for the text ``{name}``, and every other
brace is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.models import SAFE_METHODS
from pandas_async_io._core.request.base_url import _BARE, ABSOLUTE, fix_origin, join_base_url, strip_fragment
from pandas_async_io._core.request.cells import render_scalar, to_json_value
from pandas_async_io._core.request.text_template import FieldReference, TextTemplate
from pandas_async_io._core.request.url_template import UrlTemplate, encode_field_name
from pandas_async_io._core.security.unsafe_values import is_forbidden_header

if TYPE_CHECKING:
    from pandas_async_io._core.security.origins import Origin


@dataclass(frozen=True, slots=True)
class RequestTemplate:
    """What each row's request is made of.

    Attributes
    ----------
    template : Template
        The absolute URL, ``params`` included.
    origin : Origin or None
        The one that all requests go to; None if a field decides it (``allow_hosts``).
    headers : tuple of (str, Text)
        Checked as far as they hold no field.
    body : JSON value with Text leaves, Text, bytes, list of (str, Text), or None
        By ``body_kind``: "json", "text", "bytes", "form" or "none".
    safe : bool
        Whether it only asks, so that equal ones are sent once.
    """

    template: UrlTemplate
    method: str
    origin: Origin | None
    headers: tuple[tuple[str, TextTemplate], ...]
    body_kind: str
    body: Any
    safe: bool

    @property
    def outside(self) -> tuple[str, ...]:
        """The fields whose text goes into headers and body, each once."""
        texts = [*(text for _, text in self.headers), *(t for t in _texts(self.body) if not self._whole(t))]
        return tuple(dict.fromkeys(name for text in texts for name in text.fields))

    @property
    def texts(self) -> tuple[str, ...]:
        """The fields whose text goes into the request, each once."""
        return tuple(dict.fromkeys([*self.template.fields, *self.outside]))

    @property
    def wholes(self) -> tuple[str, ...]:
        """The fields that are a whole JSON value, each once."""
        return tuple(dict.fromkeys(text.fields[0] for text in _texts(self.body) if self._whole(text)))

    @property
    def varying(self) -> bool:
        """Whether anything but the URL has fields."""
        return bool(self.outside or self.wholes)

    def _whole(self, text: TextTemplate) -> bool:
        return self.body_kind == "json" and text.alone is not None


def _texts(body: Any) -> Iterator[TextTemplate]:
    """Return the texts of a compiled body, in order."""
    if isinstance(body, TextTemplate):
        yield body
    elif isinstance(body, dict | list | tuple):
        for part in body.values() if isinstance(body, dict) else body:
            yield from _texts(part)


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
    """Compile the parts of a request; ``safe`` if it only asks, whatever its method.

    Raises
    ------
    PlanError
        If one of them is wrong; a `TemplateError` if it is the URL.

    Examples
    --------
    >>> params = {"q": "{name}", "size": 10}
    >>> recipe = compile_request_template("/users/{id}", base_url="https://e.com/v1", params=params)
    >>> recipe.template.text
    'https://e.com/v1/users/{id}?q={name}&size=10'
    """
    if json is not None and data is not None:
        raise PlanError("json= and data= are both given: a request has one body")
    whole = strip_fragment(join_base_url(url, base_url))
    # The slash that a bare host lacks on the wire: without it `{?a}` may vanish and leave the host open.
    text = _with_params(_BARE.sub(r"\1/", whole, count=1) if ABSOLUTE.match(whole) else whole, params)
    template = UrlTemplate.compile(text)
    origin = fix_origin(template, allow_hosts)
    if not isinstance(headers or {}, Mapping):
        raise PlanError("headers= is a mapping of names to values")
    compiled = [(name, TextTemplate.compile(_header_text(name, value))) for name, value in (headers or {}).items()]
    kind, body, content_type = _body(json, data)
    if content_type and not any(name.lower() == "content-type" for name, _ in compiled):
        compiled.append(("Content-Type", TextTemplate.compile(content_type)))
    verb = check_method(method)
    return RequestTemplate(template, verb, origin, tuple(compiled), kind, body, safe or verb in SAFE_METHODS)


def check_method(method: str) -> str:
    """Return a method in upper case.

    Examples
    --------
    >>> check_method("post")
    'POST'
    """
    if not isinstance(method, str) or not re.fullmatch(r"[A-Za-z]+", method):
        raise PlanError(f"method={method!r} is no HTTP method: pass 'GET', 'POST', …")
    return method.upper()


def _with_params(text: str, params: Mapping[str, Any] | None) -> str:
    """Write the parameters into the URL template, so that there is one way from cells to a query."""
    if params is None:
        return text
    if not isinstance(params, Mapping):
        raise PlanError("params= is a mapping of names to values")
    query = "&".join(_param(name, value) for name, values in params.items() for value in _several(values))
    if not query:
        return text
    if "{?" in text:  # `{?a}` may vanish, and with it the question mark: ours comes first
        return text.replace("{?", f"?{query}{{&", 1)
    return f"{text}{'&' if '?' in text else '?'}{query}"


def _several(values: Any) -> Sequence[Any]:
    kept = values if isinstance(values, list | tuple) else [values]
    return [value for value in kept if value is not None]


def _param(name: str, value: Any) -> str:
    written = value if isinstance(value, TextTemplate) else _text(f"params[{name!r}]", value)
    encoded = "".join(
        f"{{{encode_field_name(part.name)}}}" if isinstance(part, FieldReference) else quote(part, safe="")
        for part in written.parts
    )
    return f"{quote(str(name), safe='')}={encoded}"


def _header_text(name: Any, value: Any) -> str:
    written = value if isinstance(value, str) else _scalar(f"header {name!r}", value)
    if not isinstance(name, str) or written is None or is_forbidden_header(name, written):
        raise PlanError(f"header {name!r}: a name is a token, a value is text without line breaks")
    return written


def _body(json: Any, data: Any) -> tuple[str, Any, str | None]:
    if json is not None:
        return "json", _json_leaves(json), "application/json"
    if data is None:
        return "none", None, None
    if isinstance(data, bytes):
        return "bytes", data, "application/octet-stream"
    if isinstance(data, str):
        return "text", TextTemplate.compile(data), "text/plain; charset=utf-8"
    if isinstance(data, Mapping):
        pairs = [(str(k), _text(f"data[{k!r}]", v)) for k, several in data.items() for v in _several(several)]
        return "form", pairs, "application/x-www-form-urlencoded"
    raise PlanError(f"data= is str, bytes or a mapping of form fields, not {type(data).__name__}")


def _text(where: str, value: Any) -> TextTemplate:
    return TextTemplate.compile(value) if isinstance(value, str) else TextTemplate((_scalar(where, value) or "",))


def _scalar(where: str, value: Any) -> str | None:
    try:
        return render_scalar(value)
    except TypeError:
        raise PlanError(f"{where}: a {type(value).__name__} is no text, number or time") from None


def _json_leaves(value: Any) -> Any:
    """Compile the string leaves of a JSON value; keys stay as they are."""
    if isinstance(value, str):
        return TextTemplate.compile(value)
    if isinstance(value, Mapping):
        return {str(key): _json_leaves(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_leaves(item) for item in value]
    try:
        return to_json_value(value)
    except TypeError as exc:
        raise PlanError(f"json=: {exc}") from None
