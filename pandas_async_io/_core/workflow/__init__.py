"""Multi-request workflows: which requests follow a response, and when a row is complete.

- `base`: what the engine asks of a workflow
- `plain`: one request, one answer
- `paging`: every page of every row
- `jobs`: submit a job, poll its state, download its result
- `batching`: many keys in one request
"""
