"""Base URL and origin of a template: a relative template made absolute, and the host that it fixes.

Invariant: the scheme and host of a template are literal unless ``allow_hosts`` names the hosts that rows
may choose. A value of a row cannot extend the host.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pandas_async_io._core.errors import PlanError, TemplateError, UnsafeUrlError
from pandas_async_io._core.request.template.field_names import NO_FIELD_NAMES, FieldNames
from pandas_async_io._core.request.template.url_template import UrlTemplate, write_field_name
from pandas_async_io._core.security.origins import Origin, is_allowed_host, parse_origin, to_ascii_host
from pandas_async_io._core.security.secrets import redact_url
from pandas_async_io._core.words import show_value

if TYPE_CHECKING:
    from collections.abc import Sequence

_SCHEME = r"[A-Za-z][A-Za-z0-9+.\-]*://"
_ABSOLUTE = re.compile(_SCHEME)
_LITERAL_HOST = re.compile(rf"({_SCHEME}(?:[^/?#{{@]*@)?)([^/?#{{@:\[]+)")
_HOST_WITHOUT_PATH = re.compile(rf"({_SCHEME}[^/?#{{]*)(?=\?|\{{\?|$)")
_LITERAL_AUTHORITY = re.compile(rf"{_SCHEME}[^/?#]*[/?#]")


def is_absolute_url(url: str) -> bool:
    """Whether a URL or template starts with a scheme.

    Examples
    --------
    >>> is_absolute_url("https://e.com/{id}"), is_absolute_url("//e.com/"), is_absolute_url("/to?url=http://e.com")
    (True, False, False)
    """
    return _ABSOLUTE.match(url) is not None


def join_base_url(url: str, base_url: str, names: FieldNames = NO_FIELD_NAMES) -> str:
    """Put a relative template after the base URL, whose path is kept, unlike in RFC 3986.

    The fragment is removed, because it is never sent. A host without a path gets the slash that is sent:
    otherwise, where ``{?a}`` is undefined, the next field would extend the host.

    Raises
    ------
    PlanError
        The template is not a str; a `TemplateError` if template and base URL make no absolute URL.

    Examples
    --------
    >>> join_base_url("/users/{id}", "https://e.com/v1"), join_base_url("https://e.com{?id}", "")
    ('https://e.com/v1/users/{id}', 'https://e.com/{?id}')
    """
    joined = _to_absolute(url, base_url)
    _check_fragment(url, names)
    absolute = re.split(r"#|\{#", joined, maxsplit=1)[0]
    return _HOST_WITHOUT_PATH.sub(r"\1/", absolute, count=1) if is_absolute_url(absolute) else absolute


def _check_fragment(url: str, names: FieldNames) -> None:
    """Refuse a column whose name starts with ``#`` where the template has a fragment, which is never sent."""
    for name in re.findall(r"\{(#[^{}]*)\}", url):
        if name in names:
            written = write_field_name(name)
            raise TemplateError(f"{{{name}}} is a fragment, which is not sent: write the column as {{{written}}}")


def _to_absolute(url: str, base_url: str) -> str:
    if not isinstance(url, str):
        raise PlanError(f"the URL template is a str, not {type(url).__name__}")
    if not url.strip() and not base_url:
        raise TemplateError("the URL template is empty")
    if is_absolute_url(url) or url.startswith("{+"):
        return _LITERAL_HOST.sub(_encode_host, url, count=1)
    if not base_url:
        raise TemplateError(
            f"{url!r} is a relative URL: write it with https://…, or pass client=Client('https://api.example.com')"
        )
    if re.search("[{?#]", base_url):
        raise TemplateError(
            f"base_url={redact_url(base_url)!r} is more than a scheme, a host and a path: move the rest into "
            "the URL template or into params="
        )
    base = _LITERAL_HOST.sub(_encode_host, base_url, count=1)
    if re.match(r"$|[?#]|\{[?&#]", url):
        return base + url
    return base.rstrip("/") + (url if re.match(r"\{[/;.]", url) else "/" + url.lstrip("/"))


def _encode_host(match: re.Match[str]) -> str:
    """Return a host in its ASCII form (IDNA), before the template would percent-encode it."""
    try:
        return match[1] + to_ascii_host(match[2])
    except ValueError as exc:
        raise TemplateError(f"{match[2]!r} is not a host name: {exc}") from None


def parse_base_url(base_url: object) -> Origin | None:
    """Return the origin of the option ``base_url``; None if it is empty.

    Raises
    ------
    PlanError
        It is not a str, or does not start a URL.

    Examples
    --------
    >>> parse_base_url("https://e.com/v1"), parse_base_url("")
    (Origin(scheme='https', host='e.com', port=443), None)
    """
    if not isinstance(base_url, str):
        raise PlanError(f"base_url={show_value(base_url)}: pass the URL as a str, as 'https://api.example.com'")
    if not base_url:
        return None
    try:
        origin = parse_origin(base_url)
        UrlTemplate.compile(join_base_url("/", base_url))
    except TemplateError as error:
        raise PlanError(f"base_url= does not start a URL: {error}") from None
    except UnsafeUrlError as error:
        hint = f": write {'https://' + base_url!r}" if "://" not in base_url else ""
        raise PlanError(f"base_url={redact_url(base_url)!r} is not a URL{hint} ({error})") from None
    return origin


def find_literal_origin(template: UrlTemplate, allow_hosts: Sequence[str]) -> Origin | None:
    """Return the origin that the literal start of a template fixes; None if rows decide it.

    Raises
    ------
    TemplateError
        A field stands in the scheme or host, and ``allow_hosts`` is empty.
    """
    prefix, expressions = template.literal_prefix, template.expressions
    slash_follows = expressions and expressions[0].operator == "/" and is_absolute_url(prefix)
    if _LITERAL_AUTHORITY.match(prefix) or slash_follows:
        try:
            return parse_origin(prefix)
        except UnsafeUrlError as exc:
            raise TemplateError(str(exc)) from None
    if allow_hosts:
        return None
    raise TemplateError(
        f"{template.text!r}: a field stands in the scheme or host, which must be literal. For a column of whole URLs "
        "use df['url'].aio.fetch(); else name the hosts in Client(allow_hosts=[...])"
    )


def check_origin(url: str, allow_hosts: Sequence[str]) -> Origin:
    """Return the origin of a URL whose host comes from a row.

    Raises
    ------
    UnsafeUrlError
        ``allow_hosts`` does not name the host.
    """
    origin = parse_origin(url)
    if not is_allowed_host(allow_hosts, origin):
        raise UnsafeUrlError(f"{origin} is not among the client's allow_hosts")
    return origin
