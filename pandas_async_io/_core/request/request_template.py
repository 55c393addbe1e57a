"""The parts of a request, compiled once per call, before any row is read.

The URL is an RFC 6570 template; parameters are written into it. Header values, bodies and parameters are
texts with fields.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.models import NO_HEADERS, SAFE_METHODS
from pandas_async_io._core.request.base_url import find_literal_origin, join_base_url
from pandas_async_io._core.request.cell_values.missing_values import MissingRule, compile_missing_rule, find_texts
from pandas_async_io._core.request.cell_values.values import compile_body
from pandas_async_io._core.request.headers import compile_headers
from pandas_async_io._core.request.params import add_params, compile_params
from pandas_async_io._core.request.template.field_names import NO_FIELD_NAMES, FieldNames
from pandas_async_io._core.request.template.text_template import TextTemplate, describe_near_misses
from pandas_async_io._core.request.template.url_template import UrlTemplate
from pandas_async_io._core.request.template.xml_text import is_xml_type
from pandas_async_io._core.words import show_value

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

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
        "json", "text", "xml" (a text whose values are escaped), "bytes", "form" or "none".
    body : JSON value with TextTemplate leaves, TextTemplate, bytes, list of (str, TextTemplate), or None
        By ``body_kind``.
    safe : bool
        Whether the request only reads: equal ones are sent once.
    missing : MissingRule
        What its places do without a value.
    near_misses : tuple of (str, str)
        As in `TextTemplate`.
    """

    url_template: UrlTemplate
    method: str
    origin: Origin | None
    headers: tuple[tuple[str, TextTemplate], ...]
    body_kind: str
    body: Any
    safe: bool
    missing: MissingRule
    near_misses: tuple[tuple[str, str], ...] = ()

    @property
    def url_and_header_fields(self) -> frozenset[str]:
        """The fields in the URL or in headers."""
        return frozenset([*self.url_template.fields, *(name for _, text in self.headers for name in text.fields)])

    @property
    def header_and_body_fields(self) -> tuple[str, ...]:
        """The fields whose text goes into headers or body, each once."""
        texts = [text for _, text in self.headers]
        texts += [text for text in find_texts(self.body) if not self._is_json_field(text)]
        return tuple(dict.fromkeys(name for text in texts for name in text.fields))

    @property
    def text_fields(self) -> tuple[str, ...]:
        """The fields whose text goes into the request, each once."""
        return tuple(dict.fromkeys([*self.url_template.fields, *self.header_and_body_fields]))

    @property
    def json_fields(self) -> tuple[str, ...]:
        """The fields that are a whole JSON value and keep their type, each once."""
        return tuple(dict.fromkeys(text.fields[0] for text in find_texts(self.body) if self._is_json_field(text)))

    @property
    def hints(self) -> tuple[str, ...]:
        """What the user must know of the texts in braces that are no fields."""
        return describe_near_misses(self.near_misses)

    @property
    def has_fields_outside_url(self) -> bool:
        """Whether headers or body have fields."""
        return bool(self.header_and_body_fields or self.json_fields)

    def _is_json_field(self, text: TextTemplate) -> bool:
        return self.body_kind == "json" and text.sole_field is not None


def compile_request_template(
    url: str,
    *,
    base_url: str = "",
    method: str | None = None,
    params: Mapping[str, Any] | None = None,
    literal_params: Mapping[str, Any] = NO_HEADERS,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    data: Any = None,
    safe: bool = False,
    allow_hosts: Sequence[str] = (),
    names: FieldNames = NO_FIELD_NAMES,
    text_type: str | None = None,
    credential_names: Collection[str] = (),
    na_action: str | None = None,
) -> RequestTemplate:
    """Compile the parts of a request.

    Parameters
    ----------
    url : str
        RFC 6570 template, absolute or relative to ``base_url``.
    method : str, optional
        POST by default where ``json`` or ``data`` is given, else GET.
    literal_params : mapping, optional
        Parameters in which a brace is no field, as in a key; those of ``params`` replace them.
    safe : bool
        Whether the request only reads although its method is not safe.
    names : FieldNames, optional
        The columns that are fields as they are called.
    text_type : str, optional
        The Content-Type of a text whose ``headers`` have none: the client's.
    credential_names : collection of str
        As in `compile_missing_rule`.
    na_action : {"ignore", "omit", "send"}, optional
        As in `compile_missing_rule`.

    Raises
    ------
    PlanError
        A part is wrong; a `TemplateError` if it is the URL.

    Examples
    --------
    >>> params = {"q": "{name}", "size": 10}
    >>> template = compile_request_template("/users/{id}", base_url="https://e.com/v1", params=params)
    >>> template.url_template.expand({"id": "7", "name": "Ann"})
    'https://e.com/v1/users/7?q=Ann&size=10'
    """
    if json is not None and data is not None:
        raise PlanError("json= and data= are both given: a request has one body")
    param_texts = compile_params(params, literal_params, names)
    url_template = add_params(UrlTemplate.compile(join_base_url(url, base_url, names), names), param_texts)
    origin = find_literal_origin(url_template, allow_hosts)
    compiled = compile_headers(headers, names)
    kind, body, default_type = compile_body(json, data, names)
    content_type = next((text for name, text in compiled if name.lower() == "content-type"), None)
    if default_type and content_type is None:
        content_type = TextTemplate(((text_type if kind == "text" else None) or default_type,))
        compiled.append(("Content-Type", content_type))
    if kind == "text" and content_type and is_xml_type(content_type.literal_prefix) and body.sole_field is None:
        kind = "xml"  # where the field is the whole body, it is a document
    method = ("GET" if kind == "none" else "POST") if method is None else check_method(method)
    missing = compile_missing_rule(
        url_template,
        compiled,
        body,
        method=method,
        body_kind=kind,
        na_action=na_action,
        credential_names=credential_names,
    )
    is_safe = safe or method in SAFE_METHODS
    texts = [*(text for _, text in (*param_texts, *compiled)), *find_texts(body)]
    near_misses = tuple(dict.fromkeys(near for text in texts for near in text.near_misses))
    return RequestTemplate(url_template, method, origin, tuple(compiled), kind, body, is_safe, missing, near_misses)


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
