"""A client without retries, redirects or decoding, on one connection per request."""

from __future__ import annotations

import http.client
import json
import re
from contextlib import closing
from typing import NamedTuple
from urllib.parse import urlsplit

from pandas_async_io._core.models import Page, Response


class RawResponse(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


def send(base_url, target, method="GET", body=None, headers=None):
    """Send one request and return the response as received."""
    with closing(http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=30)) as connection:
        connection.request(method, target, body, headers or {})
        response = connection.getresponse()
        return RawResponse(response.status, response.headers, response.read())


def links(response):
    """Return the Link header as rel → URL."""
    return {rel: url for url, rel in re.findall(r'<([^>]*)>; rel="(\w+)"', response.headers["Link"])}


def fetch_page(request):
    """Send a `Request` and decode the JSON of its response."""
    parts = urlsplit(request.url)
    with closing(http.client.HTTPConnection(parts.netloc, timeout=30)) as connection:
        target = request.url.partition(parts.netloc)[2]
        connection.request(request.method, target, request.body, dict(request.headers))
        response = connection.getresponse()
        body = response.read()
        return Page(request, Response(response.status, response.headers, body, request.url), json.loads(body))
