"""Sends requests over HTTP/2; the only package that uses pyreqwest.

- `sender`: one request over the connection that all requests to an origin share.
- `probe`: whether an origin speaks HTTP/2, and how many streams it allows.
- `endpoint`: origins that speak HTTP/2, and how the library connects.
- `response`: header fields and body of a response.
- `exceptions`: exceptions of pyreqwest as errors of this package.
"""
