"""The sample API: a local HTTP server on which every example of this package runs, offline.

- `serve`: runs the server in a thread and logs what it receives
- `api`: the aiohttp application: routes, counters, errors as JSON
- `records`: endpoints with users and posts
- `faults`: endpoints that fail, refuse, delay, redirect or send odd bodies
- `paging`: the same records under each paging scheme, GraphQL included
- `bulk`: endpoints for many keys in one request, and for jobs
- `data`: the generated users, posts, records and bodies
- `json_http`: reading parameters and JSON bodies, writing JSON responses
- `tour`: what ``python -m pandas_async_io demo`` runs
"""

from pandas_async_io.demo.serve import LoggedRequest, SampleApi, serve

__all__ = ["LoggedRequest", "SampleApi", "serve"]
