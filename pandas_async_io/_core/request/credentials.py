"""Credentials: bearer tokens, user and password, API keys.

Invariant: a credential is made of texts, never of the words None or nan; its repr shows no secret. It is the same for
all rows: a field in it would be sent as it is written, so it is refused.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.models import NO_HEADERS
from pandas_async_io._core.option_names import explains_names
from pandas_async_io._core.request.deferred_credential import DeferredFields, DeferredText
from pandas_async_io._core.request.template.text_template import TextTemplate
from pandas_async_io._core.security.secrets import is_secret_name
from pandas_async_io._core.security.unsafe_values import is_forbidden_header, is_forbidden_in_url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SCHEME = re.compile(r"\s*(bearer|basic|token|digest|apikey)\s", re.IGNORECASE)
"""An authentication scheme before a token; a bearer token holds no space (RFC 6750, 2.1)."""


@dataclass(frozen=True, slots=True)
class Auth:
    """A credential: the headers and parameters that it adds to each request of its client's origin.

    Attributes
    ----------
    headers, params : mapping of str to str
        Header fields and query parameters.
    """

    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS, repr=False)
    params: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.headers, DeferredFields):  # it makes and checks an `Auth` when it is read
            return
        for name, value in self.headers.items():
            if not isinstance(value, str) or is_forbidden_header(name, value):
                raise PlanError(
                    f"the credential for {name} holds a character that a header cannot hold (a line break at its end?)"
                )
        for name, value in self.params.items():
            _check_text(f"the credential for {name}", value)

    def __reduce__(self) -> tuple[type[Auth], tuple[Mapping[str, str], Mapping[str, str]]]:
        """Pickle the fields: the secret, unless it is read from the environment."""
        fields = (self.headers, self.params)
        headers, params = (each if isinstance(each, DeferredFields) else dict(each) for each in fields)
        return Auth, (headers, params)


AuthOption = Auth | str | DeferredText | tuple[str | DeferredText, str | DeferredText]
"""What the option ``auth`` takes."""


def _defer(make: Callable[..., Auth], *parts: str | DeferredText, **names: str | None) -> Auth | None:
    """Return a credential that is made of its parts each time it is read; None if all parts are texts."""
    if not any(isinstance(part, DeferredText) for part in parts):
        return None
    names_of = make(*("x" if isinstance(part, DeferredText) else part for part in parts), **names)
    headers, params = (
        DeferredFields(make, parts, names, side, tuple(getattr(names_of, side))) for side in ("headers", "params")
    )
    return Auth(headers, params)


@explains_names
def bearer(token: str | DeferredText) -> Auth:
    """Return a bearer token (RFC 6750): ``Authorization: Bearer …``. ``env("NAME")`` reads it when it is sent.

    Raises
    ------
    PlanError
        The token is not a text, is empty, begins with its scheme, or holds a field or a character that a header cannot
        hold.

    Examples
    --------
    >>> bearer("s3cret").headers
    {'Authorization': 'Bearer s3cret'}
    >>> bearer("s3cret")
    Auth()
    """
    deferred = _defer(bearer, token)
    if deferred is not None:
        return deferred
    token = _check_text("Bearer(token)", token)
    if scheme := _SCHEME.match(token):
        name = scheme[1]
        other = "" if name.lower() == "bearer" else f", or headers={{'Authorization': '{name} …'}} for that scheme"
        raise PlanError(
            f"the token begins with {name!r}, and 'Bearer' is put before it: pass the token without its scheme{other}"
        )
    return Auth({"Authorization": f"Bearer {token}"})


@explains_names
def basic(user: str | DeferredText, password: str | DeferredText) -> Auth:
    """Return a user and a password (RFC 7617): ``Authorization: Basic …``. One of the two may be empty.

    Raises
    ------
    PlanError
        User or password is not a text or holds a control character, both are empty, or the user holds a colon.

    Examples
    --------
    >>> basic("Aladdin", "open sesame").headers
    {'Authorization': 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='}
    """
    deferred = _defer(basic, user, password)
    if deferred is not None:
        return deferred
    password = _check_text("Basic(…, password)", password, may_be_empty=True)
    user = _check_text("Basic(user, …)", user, may_be_empty=password != "")  # some APIs take a token as either of them
    if ":" in user:
        raise PlanError("Basic(user, …): a user holds no colon (RFC 7617), the server would read a part as password")
    return Auth({"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()})


@explains_names
def api_key(key: str | DeferredText, *, header: str = "X-API-Key", param: str | None = None) -> Auth:
    """Return an API key: in a header, or in the query if ``param`` names it.

    Raises
    ------
    PlanError
        The key or a name is not a text or is empty, or the key holds a control character.

    Examples
    --------
    >>> api_key("k").headers, dict(api_key("k", param="appid").params)
    ({'X-API-Key': 'k'}, {'appid': 'k'})
    """
    deferred = _defer(api_key, key, header=header, param=param)
    if deferred is not None:
        return deferred
    key = _check_text("ApiKey(key)", key)
    if param is not None:
        return Auth(params={_check_text("ApiKey(…, param=)", param): key})
    return Auth({_check_text("ApiKey(…, header=)", header): key})


def _check_text(what: str, value: object, *, may_be_empty: bool = False) -> str:
    """Return a part of a credential. The error does not show it."""
    if not isinstance(value, str):
        raise PlanError(f"{what} takes a text, not {type(value).__name__}: is the variable that holds it set?")
    if not value.strip() and not (may_be_empty and not value):
        raise PlanError(f"{what} is empty: is the variable that holds it set?")
    if is_forbidden_in_url(value):
        raise PlanError(f"{what} holds a control character or a lone surrogate (a line break at its end?)")
    return refuse_fields(what, value)


def refuse_fields(what: str, value: str) -> str:
    """Return a text that is the same for all rows: ``{{name}}`` stands for ``{name}``. The error does not show it.

    Raises
    ------
    PlanError
        The text holds a field.

    Examples
    --------
    >>> refuse_fields("Bearer(token)", "a{{b}}c{")
    'a{b}c{'
    """
    template = TextTemplate.compile(value)
    if template.fields:
        raise PlanError(
            f"{what} holds a name in braces, and is the same for all rows: for a value per row write "
            "headers={'Authorization': 'Bearer {column}'} in the call; for the braces themselves write {{ and }}"
        )
    return template.fill({})


def as_auth(value: AuthOption | None) -> Auth:
    """Return the credential of the option ``auth``. A str is a bearer token, a pair is user and password.

    Examples
    --------
    >>> as_auth(("a", "b")) == basic("a", "b"), as_auth(None) == Auth()
    (True, True)
    """
    if value is None:
        return Auth()
    if isinstance(value, Auth):
        return value
    try:
        if isinstance(value, str | DeferredText):
            return bearer(value)
        if (
            isinstance(value, tuple | list)
            and len(value) == 2
            and all(isinstance(part, str | DeferredText) for part in value)
        ):
            return basic(*value)
    except PlanError as error:
        raise PlanError(f"auth=: {error}") from None
    raise PlanError("auth= is Bearer(token), Basic(user, password), ApiKey(key), a token or a (user, password)")


def has_authorization(headers: Mapping[str, str] | None) -> bool:
    """Whether some header fields are a credential of their own.

    Examples
    --------
    >>> has_authorization({"authorization": "Bearer s3cret"}), has_authorization({"Accept": "*/*"})
    (True, False)
    """
    return any(is_secret_name(name) for name in headers or ())
