"""Credentials: bearer tokens, user and password, API keys.

Invariant: the repr of a credential shows no secret.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.models import NO_HEADERS
from pandas_async_io._core.security.unsafe_values import is_forbidden_header

if TYPE_CHECKING:
    from collections.abc import Mapping


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
        for name, value in self.headers.items():
            if not isinstance(value, str) or is_forbidden_header(name, value):
                raise PlanError(
                    f"the credential for {name} holds a character that a header cannot hold (a line break at its end?)"
                )


def bearer(token: str) -> Auth:
    """Return a bearer token (RFC 6750): ``Authorization: Bearer …``.

    Examples
    --------
    >>> bearer("s3cret").headers
    {'Authorization': 'Bearer s3cret'}
    >>> bearer("s3cret")
    Auth()
    """
    return Auth({"Authorization": f"Bearer {token}"})


def basic(user: str, password: str) -> Auth:
    """Return a user and a password (RFC 7617): ``Authorization: Basic …``.

    Examples
    --------
    >>> basic("Aladdin", "open sesame").headers
    {'Authorization': 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='}
    """
    return Auth({"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()})


def api_key(key: str, *, header: str = "X-API-Key", param: str | None = None) -> Auth:
    """Return an API key: in a header, or in the query if ``param`` names it.

    Examples
    --------
    >>> api_key("k").headers, dict(api_key("k", param="appid").params)
    ({'X-API-Key': 'k'}, {'appid': 'k'})
    """
    return Auth(params={param: key}) if param is not None else Auth({header: key})


def as_auth(value: Auth | str | tuple[str, str] | None) -> Auth:
    """Return the credential of the option ``auth``. A str is a bearer token, a pair is user and password.

    Examples
    --------
    >>> as_auth(("a", "b")) == basic("a", "b"), as_auth(None) == Auth()
    (True, True)
    """
    match value:
        case None:
            return Auth()
        case Auth():
            return value
        case str():
            return bearer(value)
        case (str() as user, str() as password):
            return basic(user, password)
        case _:
            raise PlanError("auth= is Bearer(token), Basic(user, password), ApiKey(key), a token or a (user, password)")
