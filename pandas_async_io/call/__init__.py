"""One call, from arguments to frame: prepare, run, assemble.

- `prepare`: everything that is checked and compiled before the first request.
- `assemble`: the frame, its run, and what is said of failed rows.
- `first_answer`: ends a read whose first answer shows that ``record_path`` is wrong.
- `workflow`: which workflow a call has: plain, paging, batching or jobs.
- `plan`: what a call would send, without sending it.
- `stream`: the records of a call as they come, in chunks.
- `run`: sends a call, blocking or in the background.
- `run_state`: how far a call is, and what it waits for.
- `send`: sends the requests, on the client's loop.
- `changed_options`: the options that `retry_failed` may change.
- `retry_failed`: sends the failed rows of a run again.
- `stack_level`: the user's line, for warnings.
"""
