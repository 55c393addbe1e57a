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
from urllib.parse import quote

from pandas_async_io._core.errors import PlanError, TemplateError, UnsafeUrlError
from pandas_async_io._core.models import SAFE_METHODS
from pandas_async_io._core.request.cells import Field, Text, json_value, scalar
from pandas_async_io._core.request.template import Template, varname
from pandas_async_io._core.security.origins import Origin, allows, ascii_host, origin_of
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._core.security.unsafe_values import forbidden_header

ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_HOST = re.compile(rf"({ABSOLUTE.pattern}(?:[^/?#{{@]*@)?)([^/?#{{@:\[]+)")
_BARE = re.compile(rf"({ABSOLUTE.pattern}[^/?#{{]*)(?=\?|\{{\?|$)")
_AUTHORITY_ENDS = re.compile(rf"{ABSOLUTE.pattern}[^/?#]*[/?#]")


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
    safe : bool
        Whether it only asks, so that equal ones are sent once.
    """

    template: Template
    method: str
    origin: Origin | None
    headers: tuple[tuple[str, Text], ...]
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

    def _whole(self, text: Text) -> bool:
        return self.body_kind == "json" and text.alone is not None


def _texts(body: Any) -> Iterator[Text]:
    """Return the texts of a compiled body, in order."""
    if isinstance(body, Text):
        yield body
    elif isinstance(body, dict | list | tuple):
        for part in body.values() if isinstance(body, dict) else body:
            yield from _texts(part)


def compile_recipe(
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
) -> Recipe:
    """Compile the parts of a request; ``safe`` if it only asks, whatever its method.

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
    whole = _without_fragment(_absolute(url, base_url))
    # The slash that a bare host lacks on the wire: without it `{?a}` may vanish and leave the host open.
    text = _with_params(_BARE.sub(r"\1/", whole, count=1) if ABSOLUTE.match(whole) else whole, params)
    template = Template.compile(text)
    origin = _origin(template, allow_hosts)
    if not isinstance(headers or {}, Mapping):
        raise PlanError("headers= is a mapping of names to values")
    compiled = [(name, Text.compile(_header_text(name, value))) for name, value in (headers or {}).items()]
    kind, body, content_type = _body(json, data)
    if content_type and not any(name.lower() == "content-type" for name, _ in compiled):
        compiled.append(("Content-Type", Text.compile(content_type)))
    verb = checked_method(method)
    return Recipe(template, verb, origin, tuple(compiled), kind, body, safe or verb in SAFE_METHODS)


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
    if ABSOLUTE.match(url) or url.startswith("{+"):
        return _HOST.sub(_ascii_host, url, count=1)
    if not base_url:
        raise TemplateError(
            f"{url!r} is a relative URL: write it with https://…, or pass client=Client('https://api.example.com')"
        )
    if re.search("[{?#]", base_url):
        raise TemplateError(
            f"base_url={redact_url(base_url)!r} is more than a scheme, a host and a path: the rest goes into "
            "the URL template or into params="
        )
    base = _HOST.sub(_ascii_host, base_url, count=1)
    if re.match(r"$|[?#]|\{[?&#]", url):
        return base + url
    return base.rstrip("/") + (url if re.match(r"\{[/;.]", url) else "/" + url.lstrip("/"))


def _ascii_host(match: re.Match[str]) -> str:
    """Write a host in its ASCII form (IDNA), before the template would percent-encode it."""
    try:
        return match[1] + ascii_host(match[2])
    except ValueError as exc:
        raise TemplateError(f"{match[2]!r} is no host name: {exc}") from None


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


def _without_fragment(text: str) -> str:
    """Cut the fragment off: it is never sent."""
    return re.split(r"#|\{#", text, maxsplit=1)[0]


def _several(values: Any) -> Sequence[Any]:
    kept = values if isinstance(values, list | tuple) else [values]
    return [value for value in kept if value is not None]


def _param(name: str, value: Any) -> str:
    written = value if isinstance(value, Text) else _text(f"params[{name!r}]", value)
    encoded = "".join(
        f"{{{varname(part.name)}}}" if isinstance(part, Field) else quote(part, safe="") for part in written.parts
    )
    return f"{quote(str(name), safe='')}={encoded}"


def _origin(template: Template, allow_hosts: Sequence[str]) -> Origin | None:
    """Return the origin that the literal start of the template fixes."""
    prefix, expressions = template.literal_prefix, template.expressions
    slash_follows = expressions and expressions[0].operator == "/" and ABSOLUTE.match(prefix)
    if _AUTHORITY_ENDS.match(prefix) or slash_follows:
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
    written = value if isinstance(value, str) else _scalar(f"header {name!r}", value)
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
        pairs = [(str(k), _text(f"data[{k!r}]", v)) for k, several in data.items() for v in _several(several)]
        return "form", pairs, "application/x-www-form-urlencoded"
    raise PlanError(f"data= is str, bytes or a mapping of form fields, not {type(data).__name__}")


def _text(where: str, value: Any) -> Text:
    return Text.compile(value) if isinstance(value, str) else Text((_scalar(where, value) or "",))


def _scalar(where: str, value: Any) -> str | None:
    try:
        return scalar(value)
    except TypeError:
        raise PlanError(f"{where}: a {type(value).__name__} is no text, number or time") from None


def _json_leaves(value: Any) -> Any:
    """Compile the string leaves of a JSON value; keys stay as they are."""
    if isinstance(value, str):
        return Text.compile(value)
    if isinstance(value, Mapping):
        return {str(key): _json_leaves(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_leaves(item) for item in value]
    try:
        return json_value(value)
    except TypeError as exc:
        raise PlanError(f"json=: {exc}") from None
