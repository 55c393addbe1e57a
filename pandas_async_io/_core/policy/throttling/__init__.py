"""How fast requests start, and how many are in flight.

- `rate`: the option ``rate``.
- `start_schedule`: when the starts of a rate are due, so that it keeps its average.
- `start_blocks`: the start times that the workers of a cluster get.
- `cluster_origin`: what the workers of a cluster share about one origin.
- `pace`: the rate that an endpoint accepts, learnt from its refusals.
- `concurrency`: adaptive concurrency, learnt from round trips and refusals.
- `queue_detector`: whether round trips show a queue.
- `refusal_ceiling`: the concurrency that an origin refuses.
"""
