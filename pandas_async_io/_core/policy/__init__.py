"""Policy: when requests start, how many at once, how often one is sent.

- `server_limits`: what servers say of their limits.
- `retries`: whether an attempt is repeated, and when.
- `throttling`: how fast requests start, and how many are in flight.
- `outages`: when an origin is down, or no row can succeed.
- `run_budget`: the time, requests and retries of a run.
- `policy`: how the requests of one call behave, within the limits of its client.
- `predicate`: the user's conditions on a response, as ``error_when`` and ``Retry(when=...)``.
- `durations`: units, durations and their text.
"""
