"""Connects blocking callers with event loops: where a coroutine runs, and how its result is awaited.

- `portal`: the event loop in a daemon thread, and coroutines started on a loop from any thread.
- `event_loop`: which kind of loop that is, and where it runs blocking functions.
- `loop_future`: the future of work on a loop.
- `loop_watch`: whether a function holds the loop, and which.
- `blocking_call`: a blocking call, wherever its caller stands; nests the caller's running loop if it must.
- `wait`: waiting for a result, blocking or awaited.
- `interrupt`: Ctrl-C during a blocking call.
"""
