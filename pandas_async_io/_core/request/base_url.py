"""TODO."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pandas_async_io._core.errors import PlanError, TemplateError, UnsafeUrlError
from pandas_async_io._core.security.origins import Origin, is_allowed_host, parse_origin, to_ascii_host
from pandas_async_io._core.security.secrets import redact_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.request.url_template import UrlTemplate

ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_HOST = re.compile(rf"({ABSOLUTE.pattern}(?:[^/?#{{@]*@)?)([^/?#{{@:\[]+)")
_BARE = re.compile(rf"({ABSOLUTE.pattern}[^/?#{{]*)(?=\?|\{{\?|$)")
_AUTHORITY_ENDS = re.compile(rf"{ABSOLUTE.pattern}[^/?#]*[/?#]")


def join_base_url(url: str, base_url: str) -> str:
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
        return match[1] + to_ascii_host(match[2])
    except ValueError as exc:
        raise TemplateError(f"{match[2]!r} is no host name: {exc}") from None


def strip_fragment(text: str) -> str:
    """Cut the fragment off: it is never sent."""
    return re.split(r"#|\{#", text, maxsplit=1)[0]


def fix_origin(template: UrlTemplate, allow_hosts: Sequence[str]) -> Origin | None:
    """Return the origin that the literal start of the template fixes."""
    prefix, expressions = template.literal_prefix, template.expressions
    slash_follows = expressions and expressions[0].operator == "/" and ABSOLUTE.match(prefix)
    if _AUTHORITY_ENDS.match(prefix) or slash_follows:
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
    """Return the origin of a URL whose host came from a row.

    Raises
    ------
    UnsafeUrlError
        If ``allow_hosts`` does not name it.
    """
    origin = parse_origin(url)
    if not is_allowed_host(allow_hosts, origin):
        raise UnsafeUrlError(f"{origin} is not among the client's allow_hosts")
    return origin
