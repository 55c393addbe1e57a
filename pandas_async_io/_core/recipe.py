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
from typing import Any
from urllib.parse import quote, unquote

from pandas_async_io._core.errors import PlanError, TemplateError, UnsafeUrlError
from pandas_async_io._core.safety import Origin, allows, forbidden_header, origin_of
from pandas_async_io._core.template import Template, varname
from pandas_async_io._core.values import scalar

_NAME = r"(?:\w|%[0-9A-Fa-f]{2})+(?:\.(?:\w|%[0-9A-Fa-f]{2})+)*"
_FIELD = re.compile(rf"\{{(\{{{_NAME}\}})\}}|\{{({_NAME})\}}", re.ASCII)
_AUTHORITY = re.compile(r"(?<=://)[^/?#{]*")
_AUTHORITY_ENDS = re.compile(r"^[A-Za-z][A-Za-z0-9+.\-]*://[^/?#]*[/?#]")


@dataclass(frozen=True, slots=True)
class Field:
    """A place in a text where a cell goes."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text with fields.

    Examples
    --------
    >>> Text.compile("Bearer {token} for {{you}}").parts
    ('Bearer ', Field(name='token'), ' for {you}')
    """

    parts: tuple[str | Field, ...]

    @classmethod
    def compile(cls, text: str) -> Text:
        """Split a text into literals and fields; nothing in it is an error."""
        parts: list[str | Field] = []
        start = 0
        for match in _FIELD.finditer(text):
            literal, name = match.groups()
            parts.append(text[start : match.start()] + (literal or ""))
            if name is not None:
                parts.append(Field(unquote(name)))
            start = match.end()
        parts.append(text[start:])
        return cls(tuple(_merged(parts)))

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of its fields, in order."""
        return tuple(part.name for part in self.parts if isinstance(part, Field))

    @property
    def alone(self) -> str | None:
        """The field's name, if the text is exactly one field."""
        return self.parts[0].name if len(self.parts) == 1 and isinstance(self.parts[0], Field) else None

    def fill(self, cells: Mapping[str, str]) -> str:
        """Return the text with its fields filled in, raw."""
        return "".join(cells[part.name] if isinstance(part, Field) else part for part in self.parts)


def _merged(parts: Sequence[str | Field]) -> Iterator[str | Field]:
    """Join neighbouring literals, leave out empty ones."""
    literal = ""
    for part in parts:
        if isinstance(part, Field):
            if literal:
                yield literal
                literal = ""
            yield part
        else:
            literal += part
    if literal:
        yield literal


@dataclass(frozen=True, slots=True)
class Recipe:
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
    """

    template: Template
    method: str
    origin: Origin | None
    headers: tuple[tuple[str, Text], ...]
    body_kind: str
    body: Any

    @property
    def fields(self) -> tuple[str, ...]:
        """All column names that the request needs, each once."""
        names = list(self.template.fields)
        for _, value in self.headers:
            names += value.fields
        names += body_fields(self.body)
        return tuple(dict.fromkeys(names))

    @property
    def nullable(self) -> frozenset[str]:
        """The fields that may be null: only those of ``{?a}``, ``{&a}`` and whole JSON values."""
        template = self.template
        in_text = {name for _, text in self.headers for name in text.fields} | set(body_fields(self.body))
        whole = _whole_values(self.body) if self.body_kind == "json" else frozenset()
        needed = (set(template.fields) - template.optional) | (in_text - whole)
        return (template.optional | whole) - needed


def _whole_values(body: Any) -> frozenset[str]:
    """Return the fields that are only ever a whole JSON value."""
    if isinstance(body, Text):
        return frozenset() if body.alone is None else frozenset({body.alone})
    parts = list(body.values()) if isinstance(body, dict) else body if isinstance(body, list) else []
    return frozenset().union(*(_whole_values(part) for part in parts if not isinstance(part, tuple)))


def body_fields(body: Any) -> list[str]:
    """Return the fields of a compiled body, in order.

    Examples
    --------
    >>> body_fields({"ids": [Text.compile("{a}"), 1], "q": Text.compile("x {b}")})
    ['a', 'b']
    """
    if isinstance(body, Text):
        return list(body.fields)
    if isinstance(body, dict):
        return [name for value in body.values() for name in body_fields(value)]
    if isinstance(body, list | tuple):
        return [name for value in body for name in body_fields(value)]
    return []


def compile_recipe(
    url: str,
    *,
    base_url: str = "",
    method: str = "GET",
    params: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    data: Any = None,
    allow_hosts: Sequence[str] = (),
) -> Recipe:
    """Compile the parts of a request.

    Raises
    ------
    PlanError
        If one of them is wrong; a `TemplateError` if it is the URL.

    Examples
    --------
    >>> recipe = compile_recipe("/users/{id}", base_url="https://e.com/v1", params={"q": "{name}", "size": 10})
    >>> recipe.template.text
    'https://e.com/v1/users/{id}?q={name}&size=10'
    """
    if json is not None and data is not None:
        raise PlanError("json= and data= are both given: a request has one body")
    text = _with_params(_absolute(url, base_url), params)
    template = Template.compile(text)
    origin = _origin(template, allow_hosts)
    compiled = [(name, Text.compile(_header_text(name, value))) for name, value in (headers or {}).items()]
    kind, body, content_type = _body(json, data)
    if content_type and not any(name.lower() == "content-type" for name, _ in compiled):
        compiled.append(("Content-Type", Text.compile(content_type)))
    return Recipe(template, checked_method(method), origin, tuple(compiled), kind, body)


def checked_method(method: str) -> str:
    """Return a method in upper case.

    Examples
    --------
    >>> checked_method("post")
    'POST'
    """
    if not isinstance(method, str) or not re.fullmatch(r"[A-Za-z]+", method):
        raise PlanError(f"method={method!r} is no HTTP method: pass 'GET', 'POST', …")
    return method.upper()


def _absolute(url: str, base_url: str) -> str:
    """Put a relative URL behind the base, whose path is kept, unlike RFC 3986's join."""
    if not isinstance(url, str):
        raise PlanError(f"the URL template is a str, not {type(url).__name__}")
    if not url.strip() and not base_url:
        raise TemplateError("the URL template is empty")
    if "://" in url.split("{", 1)[0] or url.startswith("{+"):
        return _AUTHORITY.sub(_ascii_host, url)
    if not base_url:
        raise TemplateError(
            f"{url!r} is a relative URL: write it with https://…, or pass client=Client('https://api.example.com')"
        )
    if "{" in base_url:
        raise TemplateError(f"base_url={base_url!r} holds a field: put it into the URL template")
    joint = "" if not url or url[0] in "?#{" else "/"
    return base_url.rstrip("/") + joint + (url.lstrip("/") if joint else url)


def _ascii_host(match: re.Match[str]) -> str:
    """Write a host in its ASCII form (IDNA), before the template would percent-encode it."""
    try:
        return match[0] if match[0].isascii() else match[0].encode("idna").decode()
    except UnicodeError as exc:
        raise TemplateError(f"{match[0]!r} is no host name: {exc}") from None


def _with_params(text: str, params: Mapping[str, Any] | None) -> str:
    """Write the parameters into the URL template, so that there is one way from cells to a query."""
    text = _without_fragment(text)
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


def _without_fragment(text: str) -> str:
    """Cut the fragment off: it is never sent."""
    return re.split(r"#|\{#", text, maxsplit=1)[0]


def _several(values: Any) -> Sequence[Any]:
    kept = values if isinstance(values, list | tuple) else [values]
    return [value for value in kept if value is not None]


def _param(name: str, value: Any) -> str:
    written = Text.compile(value) if isinstance(value, str) else Text((scalar(value) or "",))
    encoded = "".join(
        f"{{{varname(part.name)}}}" if isinstance(part, Field) else quote(part, safe="")
        for part in written.parts
    )
    return f"{quote(str(name), safe='')}={encoded}"


def _origin(template: Template, allow_hosts: Sequence[str]) -> Origin | None:
    """Return the origin that the literal start of the template fixes."""
    prefix, expressions = template.literal_prefix, template.expressions
    whole = not expressions or expressions[0].operator in ("/", "?")
    if _AUTHORITY_ENDS.match(prefix) or (whole and "://" in prefix):
        try:
            return origin_of(prefix)
        except UnsafeUrlError as exc:
            raise TemplateError(str(exc)) from None
    if allow_hosts:
        return None
    raise TemplateError(
        f"{template.text!r}: a field stands in the scheme or host, which must be literal. For a column of whole URLs "
        "use df['url'].aio.fetch(); else name the hosts in Client(allow_hosts=[...])"
    )


def check_origin(url: str, allow_hosts: Sequence[str]) -> Origin:
    """Return the origin of a URL whose host came from a row.

    Raises
    ------
    UnsafeUrlError
        If ``allow_hosts`` does not name it.
    """
    origin = origin_of(url)
    if not allows(allow_hosts, origin):
        raise UnsafeUrlError(f"{origin} is not among the client's allow_hosts")
    return origin


def _header_text(name: Any, value: Any) -> str:
    written = value if isinstance(value, str) else scalar(value)
    if not isinstance(name, str) or written is None or forbidden_header(name, written):
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
        return "text", Text.compile(data), "text/plain; charset=utf-8"
    if isinstance(data, Mapping):
        pairs = [(str(k), _form_text(v)) for k, several in data.items() for v in _several(several)]
        return "form", pairs, "application/x-www-form-urlencoded"
    raise PlanError(f"data= is str, bytes or a mapping of form fields, not {type(data).__name__}")


def _form_text(value: Any) -> Text:
    return Text.compile(value if isinstance(value, str) else scalar(value) or "")


def _json_leaves(value: Any) -> Any:
    """Compile the string leaves of a JSON value; keys stay as they are."""
    if isinstance(value, str):
        return Text.compile(value)
    if isinstance(value, Mapping):
        return {str(key): _json_leaves(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_leaves(item) for item in value]
    return value
