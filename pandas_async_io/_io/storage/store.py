"""The public `Store`: where answers are kept, for how long, and whether they are recorded or replayed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.numbers import check_positive_seconds
from pandas_async_io._core.option_names import explains_names
from pandas_async_io._core.option_values import check_choice, check_flag, list_members
from pandas_async_io._core.words import show_value
from pandas_async_io._io.storage.upkeep import describe_file, merge_files, remove_older, remove_urls

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization"})
"""Header fields that are never ignored."""

_MAX_NAME_BYTES = 255
"""Of a file's name, on the usual file systems."""

_MODES = ("journal", "record", "replay")


@explains_names
@dataclass(frozen=True, slots=True)
class Store:
    """Keep answers in a file, so that a rerun sends only the requests whose answers are missing.

    The file is SQLite, for this user only (mode 0600). It holds every complete success response as it came, without
    credentials. What options make of an answer is not kept: a kept answer is read anew with each call's options.

    Parameters
    ----------
    path : str or Path
        The file; it is made if it is missing, its folder is not.
    ttl : float or timedelta, optional
        Seconds after which an answer is requested again. By default it is kept for ever, whatever ``Cache-Control``
        says.
    http_cache : bool, default False
        Whether the store is an HTTP cache, as RFC 9111 says: an answer is taken while ``Cache-Control``, ``Expires``
        and ``Age`` call it fresh, then the server is asked whether it still holds (``ETag``, ``Last-Modified``).
        ``no-store`` is obeyed, only answers to GET and HEAD are kept, and none that is too old by ``ttl`` is taken.
        A journal's option.
    ignore : sequence of str, default ()
        Headers and query parameters that do not change the answer, as a timestamp; never those of ``auth``.
    mode : {"journal", "record", "replay"}, default "journal"
        "journal" takes kept answers and keeps new ones. "record" requests everything, and keeps also what is no
        success. "replay" never sends: it needs no network and no credentials, and ignores ``ttl``.

    Raises
    ------
    PlanError
        An option has an unusable value.

    Examples
    --------
    >>> Store("calls.sqlite", ttl=3600)
    Store('calls.sqlite', ttl=3600.0)
    """

    path: str | os.PathLike[str]
    ttl: float | None = None
    http_cache: bool = False
    ignore: Sequence[str] = ()
    mode: Literal["journal", "record", "replay"] = "journal"

    def __post_init__(self) -> None:
        if not _is_path(self.path):
            raise PlanError(f"store={show_value(self.path)} is not the path of a file, as 'calls.sqlite'")
        if self.ttl is not None:
            object.__setattr__(self, "ttl", check_positive_seconds("ttl", self.ttl))
        object.__setattr__(self, "http_cache", check_flag("http_cache", self.http_cache))
        names = list_members(self.ignore)
        if names is None or not all(isinstance(name, str) for name in names):
            raise PlanError(f"Store: ignore={show_value(self.ignore)} must be a list of names, as ignore=['X-Time']")
        if own := [name for name in names if name.lower() in _CREDENTIALS]:
            raise PlanError(f"Store: ignore={own!r} says whose an answer is, and would give it to others: leave it out")
        object.__setattr__(self, "ignore", tuple(names))
        check_choice("mode", self.mode, _MODES)

    def __repr__(self) -> str:
        given = [f"{name}={getattr(self, name)!r}" for name, default in _DEFAULTS if getattr(self, name) != default]
        return f"Store({', '.join([repr(str(self.path)), *given])})"

    def info(self) -> pd.DataFrame:
        """Return one line for each host: ``origin``, ``answers``, their ``bytes`` in the file, ``oldest``, ``newest``.

        Raises
        ------
        PlanError
            The file does not exist, or is no store.
        """
        return describe_file(self.file)

    def prune(self, older_than: float | None = None) -> int:
        """Remove old answers, and return how many they were.

        Parameters
        ----------
        older_than : float or timedelta, optional
            Seconds; by default the store's ``ttl``.

        Raises
        ------
        PlanError
            Neither is given, or the file cannot be used.
        """
        if older_than is None and self.ttl is None:
            raise PlanError("Store.prune() needs an age: prune(older_than=86_400), or a store with a ttl=")
        age = self.ttl if older_than is None else check_positive_seconds("older_than", older_than)
        return remove_older(self.file, age or 0.0)

    def forget(self, url_prefix: str) -> int:
        """Remove the answers of URLs that begin with a text, and return how many they were.

        In the file, a secret parameter has the value ``***``.

        Examples
        --------
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     Store(f"{folder}/calls.sqlite").forget("https://api.example.com/users/")
        0
        """
        if not isinstance(url_prefix, str) or not url_prefix:
            raise PlanError("Store.forget() needs the beginning of URLs, as 'https://api.example.com/users/'")
        return remove_urls(self.file, url_prefix)

    def merge(self, paths: Sequence[str | os.PathLike[str]]) -> int:
        """Copy the answers of other stores into this one, and return how many it then holds.

        Of two answers to one request the newer stays.

        Raises
        ------
        PlanError
            One of the files does not exist, or is no store.
        """
        others = list_members(paths)
        if others is None:
            raise PlanError(f"Store.merge({show_value(paths)}) takes a list of paths")
        return merge_files(self.file, [Path(path) for path in others])

    @property
    def is_http_cache(self) -> bool:
        """Whether answers are taken and kept as RFC 9111 says."""
        return self.http_cache and self.mode == "journal"

    @property
    def file(self) -> Path:
        """The path of the file."""
        return Path(self.path)


def _is_path(value: Any) -> bool:
    """Whether a value can name a file: not empty, and without characters that no file system has."""
    try:
        name = os.fsencode(value)
    except (TypeError, UnicodeEncodeError):
        return False
    names = name.split(os.fsencode(os.sep))
    return bool(name) and b"\0" not in name and max(map(len, names)) <= _MAX_NAME_BYTES


_DEFAULTS = (("ttl", None), ("http_cache", False), ("ignore", ()), ("mode", "journal"))


def as_store(value: Any) -> Store | None:
    """Return the option ``store``: a path is a store with its defaults.

    Examples
    --------
    >>> as_store("calls.sqlite"), as_store(None)
    (Store('calls.sqlite'), None)
    """
    if value is None or isinstance(value, Store):
        return value
    if isinstance(value, str | os.PathLike):
        return Store(value)
    raise PlanError(f"store={show_value(value)} is not a path or a Store: pass store='calls.sqlite'")
