"""One call, from arguments to frame: prepare, run, assemble.

- `prepare`: everything that is checked and compiled before the first request
- `source`: the arguments of a call, and the part of an earlier run that it continues
- `prepared_call`: the values of a prepared call
- `requests`: the requests of a call, expanded over its rows
- `url_list`: those of a call with whole URLs
- `credentials`: where its credentials may go
- `batch_requests`: those of a call with ``batch=``
- `request_body`: the body that its options give
- `interpreter`: what reads its bodies
- `limits`: which limits are its own, and which its client's
- `redactor`: what hides its credentials in messages
- `workflow`: which workflow it has: plain, paging, batching or jobs
- `plan`: what it would send, without sending it
- `run`: sends it, blocking or in the background
- `output`: the records beside their rows
- `send`: its requests, on the client's loop
- `assemble`: makes its frame and its run
- `attach`: puts the run on the frame, and warns or raises for failed rows
- `retry_failed`: sends the failed rows of a run again
- `stack_level`: the user's line, for warnings
"""
