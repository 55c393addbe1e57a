"""Sends one request and reads its whole response; the only package that uses aiohttp's client and pyreqwest.

- `transport`: one attempt, its redirects and its timeout.
- `deadlines`: the timeouts of all attempts.
- `sender`: what a transport sends with.
- `http1`: own connections, HTTP/1.1.
- `http2`: own connections, HTTP/2 where the server offers it.
- `endpoint`: what requests to one origin share.
- `kept_connections`: the idle connections to an endpoint.
- `connection`: options of a client's connections, and how a body is read from one.
- `options`: the options of a client's connections, checked.
- `tls`: the option ``ssl``; what verifies a certificate.
- `session`: the caller's own `aiohttp.ClientSession`.
- `httpx_session`: the caller's own `httpx.AsyncClient`, or httpx2's.
- `httpx_exceptions`: exceptions of httpx and httpx2 as errors of this package.
- `exceptions`: exceptions of aiohttp, asyncio and the operating system as errors of this package.
"""
