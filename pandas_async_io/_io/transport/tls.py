"""The option ``ssl``: what a client verifies a server's certificate with.

Invariant: only False switches verification off.
"""

from __future__ import annotations

import os
import ssl as tls

import numpy as np

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.words import show_value


def load_ssl(value: object) -> bool | tls.SSLContext:
    """Return the option ``ssl`` of a client as aiohttp takes it. The path of a CA bundle becomes a context.

    Parameters
    ----------
    value : bool, ssl.SSLContext, str, Path or None
        None and True verify with the system's authorities, a path with those in its file only, False does not verify.

    Raises
    ------
    PlanError
        The value is none of these, the file cannot be read as a CA bundle, or the context is a server's.

    Examples
    --------
    >>> load_ssl(None), load_ssl(np.False_)
    (True, False)
    >>> load_ssl("no/such.pem")
    Traceback (most recent call last):
    pandas_async_io._core.errors.PlanError: ssl='no/such.pem' is not a CA bundle: No such file or directory
    """
    if value is None:
        return True
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, tls.SSLContext):
        if value.protocol == tls.PROTOCOL_TLS_SERVER:
            raise PlanError("ssl= is a server's SSLContext: pass ssl.create_default_context()")
        return value
    if isinstance(value, str | os.PathLike):
        try:
            path = os.fsdecode(value)
            if path:  # an empty path would load the system's authorities
                return tls.create_default_context(cafile=path)
            reason = "it is an empty path"
        except (OSError, ValueError, TypeError) as exc:
            reason = getattr(exc, "strerror", None) or str(exc)
        raise PlanError(f"ssl={show_value(value)} is not a CA bundle: {reason}")
    raise PlanError(f"ssl={show_value(value)}: pass True, False, an ssl.SSLContext or the path of a CA bundle")
