"""Whether an attempt is repeated, and when.

- `retry`: whether a failed attempt is repeated, and when.
- `retry_options`: the option ``retry`` and its defaults.
- `retry_budget`: retries as a share of the requests.
- `refusals`: which responses are refusals, in each API's own form, and how long they ask to wait.
- `unavailable`: whether a 503 without a delay is a limiter's refusal or a failure.
"""
