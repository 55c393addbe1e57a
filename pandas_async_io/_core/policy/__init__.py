"""Policy: when requests start, how many at once, how often one is sent.

Whether an attempt is repeated:

- `retry`: whether a failed attempt is repeated, and when.
- `retry_options`: the option ``retry`` and its defaults.
- `retry_predicate`: the user's own function ``Retry(when=...)``.
- `refusals`: which responses are refusals, in each API's own form, and how long they ask to wait.
- `unavailable`: whether a 503 without a delay is a limiter's refusal or a failure.

How fast requests start:

- `rate`: the option ``rate``.
- `start_schedule`: when its starts are due, so that it keeps its average.
- `pace`: the rate that an endpoint accepts, learnt from its refusals.
- `concurrency`: adaptive concurrency, learnt from round trips and refusals.
- `queue_detector`: whether round trips show a queue.
- `refusal_ceiling`: the concurrency that an origin refuses.
- `server_budgets`: what a server's headers say is left of its limits.
- `reset_time`: when these limits are reset, more exactly than each response says.
- `graphql_cost`: the same for GraphQL servers that limit the cost of queries.

When a run or an origin stops:

- `kept_connections`: which requests need a new connection.
- `run_budget`: the time, requests and retries of a run.
- `retry_budget`: retries as a share of the requests.
- `breaker`: the circuit breaker of an origin.
- `canary`: the first responses that show that no row can succeed.
- `origin_signal`: what an attempt shows about its origin.

Shared by these:

- `policy`: how the requests of one call behave, within the limits of its client.
- `header_times`: ``Retry-After``, dates and resets in seconds.
- `durations`: units, durations and their text.
- `structured_fields`: structured header values (RFC 9651).
"""
