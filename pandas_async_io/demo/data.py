"""Generate the sample API's users, posts and records, and bodies that are hard to decode.

Invariant: everything depends on the id and the seed only, so two servers with one seed respond alike.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import importlib
import zlib
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

USERS = range(1, 1001)
"""The ids that have a user."""

POSTS = range(1, 101)
"""The ids that have a post: ten for each of the first ten users."""

_FIRST_NAMES = ("Ada", "Bruno", "Chloé", "Dmitri", "Elif", "Farid", "Grace", "Hana", "Ivo", "Jun", "Kofi")
_LAST_NAMES = (
    "Almeida",
    "Berg",
    "Costa",
    "Dubois",
    "Eriksen",
    "Fischer",
    "Gupta",
    "Haddad",
    "Ito",
    "Jansen",
    "Khan",
)
_STREETS = (
    "Station Road",
    "Mill Lane",
    "Rua Augusta",
    "Lindenallee",
    "Harbour Street",
    "Rue Haute",
    "Via Roma",
)
_CITIES = (
    ("Accra", 5.6, -0.2),
    ("Boston", 42.36, -71.06),
    ("Lisbon", 38.72, -9.14),
    ("Mumbai", 19.08, 72.88),
    ("Osaka", 34.69, 135.5),
    ("São Paulo", -23.55, -46.63),
    ("Tallinn", 59.44, 24.75),
    ("Zürich", 47.37, 8.54),
)
_TRADES = ("Analytics", "Bakery", "Cycles", "Dynamics", "Energy", "Foods", "Glass")
_WORDS = ("amber", "basin", "cedar", "delta", "ember", "fjord", "grove", "heath", "inlet", "jetty", "knoll")


def _pick_indexes(key: object, *sizes: int) -> list[int]:
    """Return one index below each size, derived from a hash of the key."""
    rest = int.from_bytes(hashlib.blake2b(repr(key).encode(), digest_size=32).digest())
    indexes = []
    for size in sizes:
        rest, index = divmod(rest, size)
        indexes.append(index)
    return indexes


def user(user_id: int, seed: int = 0) -> dict[str, Any]:
    """Return the user of an id.

    Parameters
    ----------
    user_id : int
        Any whole number; the API has those in `USERS`.
    seed : int
        Another seed generates other users.

    Returns
    -------
    dict
        A nested record of nearly 300 bytes as JSON.

    Examples
    --------
    >>> sorted(user(1))
    ['active', 'address', 'company', 'email', 'id', 'name', 'score']
    >>> user(1) == user(1, seed=0) != user(1, seed=1)
    True
    """
    sizes = (len(_FIRST_NAMES), len(_LAST_NAMES), len(_STREETS), len(_CITIES), len(_TRADES))
    first, last, street, city, trade = _pick_indexes(("user", seed, user_id), *sizes)
    number, zipcode, north, east, active, score = _pick_indexes(
        ("more", seed, user_id), 200, 100_000, 1000, 1000, 4, 1001
    )
    town, lat, lng = _CITIES[city]
    return {
        "id": user_id,
        "name": f"{_FIRST_NAMES[first]} {_LAST_NAMES[last]}",
        "email": f"{_LAST_NAMES[last].lower()}.{user_id}@customers.example.com",
        "active": active > 0,
        "score": score / 10,
        "address": {
            "street": f"{number + 1} {_STREETS[street]}, Building {number % 9 + 1}",
            "city": town,
            "zipcode": f"{zipcode:05}",
            "geo": {"lat": round(lat + north / 1e4, 4), "lng": round(lng + east / 1e4, 4)},
        },
        "company": {"name": f"{_LAST_NAMES[-1 - last]} {_TRADES[trade]} and Partners Limited"},
    }


def post(post_id: int, seed: int = 0) -> dict[str, Any]:
    """Return the post of an id.

    Examples
    --------
    >>> post(11)["userId"], sorted(post(11))
    (2, ['body', 'id', 'title', 'userId'])
    """
    words = [_WORDS[index] for index in _pick_indexes(("post", seed, post_id), *[len(_WORDS)] * 20)]
    title, body = " ".join(words[:4]), " ".join(words[4:])
    return {"userId": (post_id - 1) // 10 + 1, "id": post_id, "title": title, "body": f"{body}."}


def record(number: int) -> dict[str, Any]:
    """Return the record of a number, as the paged endpoints have it.

    Examples
    --------
    >>> record(3)
    {'id': 3, 'name': 'record 3', 'group': 3}
    """
    return {"id": number, "name": f"record {number}", "group": number % 10}


def body(kind: str) -> tuple[bytes, dict[str, str]]:
    """Return the bytes of one decoding case and the headers that describe them.

    Parameters
    ----------
    kind : str
        ``gzip``, ``deflate``, ``br``: a list of ten posts; ``truncated-gzip``: the first half of the gzip body;
        ``bomb``: 200 MB of zeros as 200 kB of gzip (compressing takes a second, once); without content coding:
        ``html``, ``empty``, ``no-content``, ``null``, ``list``, ``scalar``, ``invalid``, ``bom``, ``latin1``, ``nan``.

    Returns
    -------
    tuple of bytes and dict
        Body and headers.

    Raises
    ------
    KeyError
        The kind is unknown.
    ImportError
        ``br``, and brotli is not installed.

    Examples
    --------
    >>> body("null")
    (b'null', {'Content-Type': 'application/json'})
    >>> body("gzip")[1]["Content-Encoding"]
    'gzip'
    """
    if kind in _UNENCODED:
        content, media_type = _UNENCODED[kind]
        return content, {"Content-Type": media_type}
    coding, encode = _ENCODED[kind]
    content = encode(orjson.dumps([post(post_id) for post_id in POSTS[:10]]))
    return content, {"Content-Type": _JSON, "Content-Encoding": coding}


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _half_gzip(content: bytes) -> bytes:
    whole = _gzip(content)
    return whole[: len(whole) // 2]


def _brotli(content: bytes) -> bytes:
    return bytes(importlib.import_module("brotli").compress(content))


@functools.cache
def _bomb() -> bytes:
    # In pieces, so that the server never holds the decoded 200 MB.
    packer = zlib.compressobj(wbits=31)
    piece = bytes(1_000_000)
    return b"".join([packer.compress(piece) for _ in range(200)]) + packer.flush()


_JSON = "application/json"

_UNENCODED: Mapping[str, tuple[bytes, str]] = {
    "html": (b"<!doctype html><title>Log in</title><form method=post><input name=user></form>", "text/html"),
    "empty": (b"", _JSON),
    "no-content": (b"", _JSON),
    "null": (b"null", _JSON),
    "list": (b'[{"id":1},{"id":2}]', _JSON),
    "scalar": (b"42", _JSON),
    "invalid": (b'{"a": ', _JSON),
    "bom": (b'\xef\xbb\xbf{"id":1}', _JSON),
    "latin1": ('{"name":"José"}'.encode("latin-1"), f"{_JSON}; charset=iso-8859-1"),
    "nan": (b'{"value":NaN}', _JSON),
}

_ENCODED: Mapping[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", _gzip),
    "deflate": ("deflate", zlib.compress),
    "br": ("br", _brotli),
    "truncated-gzip": ("gzip", _half_gzip),
    "bomb": ("gzip", lambda _: _bomb()),
}
