"""What the sample API answers: made-up users and posts, and bodies that are hard to decode.

All of it follows from the ids and the seed: two servers with one seed answer alike.
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

_FIRST = ("Ada", "Bruno", "Chloé", "Dmitri", "Elif", "Farid", "Grace", "Hana", "Ivo", "Jun", "Kofi")
_LAST = (
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


def _picks(key: object, *sizes: int) -> list[int]:
    """Return one number below each size: the digits of a hash of the key."""
    rest = int.from_bytes(hashlib.blake2b(repr(key).encode(), digest_size=32).digest())
    picks = []
    for size in sizes:
        rest, pick = divmod(rest, size)
        picks.append(pick)
    return picks


def user(user_id: int, seed: int = 0) -> dict[str, Any]:
    """Return the user of an id.

    Parameters
    ----------
    user_id : int
        Any whole number; the API knows those in `USERS`.
    seed : int
        Another seed, another population.

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
    sizes = (len(_FIRST), len(_LAST), len(_STREETS), len(_CITIES), len(_TRADES))
    first, last, street, city, trade = _picks(("user", seed, user_id), *sizes)
    number, zipcode, north, east, active, score = _picks(("more", seed, user_id), 200, 100_000, 1000, 1000, 4, 1001)
    town, lat, lng = _CITIES[city]
    return {
        "id": user_id,
        "name": f"{_FIRST[first]} {_LAST[last]}",
        "email": f"{_LAST[last].lower()}.{user_id}@customers.example.com",
        "active": active > 0,
        "score": score / 10,
        "address": {
            "street": f"{number + 1} {_STREETS[street]}, Building {number % 9 + 1}",
            "city": town,
            "zipcode": f"{zipcode:05}",
            "geo": {"lat": round(lat + north / 1e4, 4), "lng": round(lng + east / 1e4, 4)},
        },
        "company": {"name": f"{_LAST[-1 - last]} {_TRADES[trade]} and Partners Limited"},
    }


def post(post_id: int, seed: int = 0) -> dict[str, Any]:
    """Return the post of an id.

    Examples
    --------
    >>> post(11)["userId"], sorted(post(11))
    (2, ['body', 'id', 'title', 'userId'])
    """
    words = [_WORDS[pick] for pick in _picks(("post", seed, post_id), *[len(_WORDS)] * 20)]
    title, body = " ".join(words[:4]), " ".join(words[4:])
    return {"userId": (post_id - 1) // 10 + 1, "id": post_id, "title": title, "body": f"{body}."}


def record(number: int) -> dict[str, Any]:
    """Return the record of a number: what the paged endpoints hold.

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
        ``gzip``, ``deflate``, ``br``: a list of ten posts; ``truncated-gzip``: the
        first half of that; ``bomb``: 200 MB of zeros as 200 kB of gzip (a second of work, once);
        or as it is: ``html``, ``empty``, ``no-content``, ``null``, ``list``, ``scalar``,
        ``invalid``, ``bom``, ``latin1``, ``nan``.

    Returns
    -------
    tuple of bytes and dict
        Body and headers.

    Raises
    ------
    KeyError
        There is no such kind.
    ImportError
        ``br`` without brotli.

    Examples
    --------
    >>> body("null")
    (b'null', {'Content-Type': 'application/json'})
    >>> body("gzip")[1]["Content-Encoding"]
    'gzip'
    """
    if kind in _PLAIN:
        content, media_type = _PLAIN[kind]
        return content, {"Content-Type": media_type}
    coding, encode = _CODED[kind]
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
    # In pieces: the server must not hold what it only pretends to send.
    packer = zlib.compressobj(wbits=31)
    piece = bytes(1_000_000)
    return b"".join([packer.compress(piece) for _ in range(200)]) + packer.flush()


_JSON = "application/json"

_PLAIN: Mapping[str, tuple[bytes, str]] = {
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

_CODED: Mapping[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", _gzip),
    "deflate": ("deflate", zlib.compress),
    "br": ("br", _brotli),
    "truncated-gzip": ("gzip", _half_gzip),
    "bomb": ("gzip", lambda _: _bomb()),
}
