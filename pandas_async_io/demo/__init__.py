"""The sample API: every example of this package runs on it, offline."""

from pandas_async_io.demo.serve import Seen, Served, serve

__all__ = ["Seen", "Served", "serve"]
