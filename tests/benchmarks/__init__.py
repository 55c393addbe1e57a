"""Performance budgets, each measured against reference code in the same run.

`fetch` (P1): rows to columns, against hand-tuned aiohttp
`http2` (P15): the same over TLS with HTTP/2 and HTTP/1.1, also at a distance of 50 ms
`flatten` (P4): payloads to columns, against one `orjson.loads` and `pd.json_normalize`
`paging`: pages in parallel, against a sequential loop
`rate_limit`: use of a strict rate limit, declared and learnt
`adaptive_concurrency`: ``concurrency="auto"``, against the best fixed number
"""
