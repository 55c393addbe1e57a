"""Does all input and output: the only awaits, clocks, files and threads. What to do is decided in `_core`.

- `transport`: sends one request and reads its response.
- `bridge`: runs coroutines for blocking callers.
- `gate`: when a request may start.
- `engine`: the loop that sends, repeats and follows requests.
- `storage`: keeps answers in a file.
- `progress`: the progress bar.
- `hooks`: calls the hooks of a run.
- `telemetry`: spans and metrics of runs, as a hook.
- `run_log`: the log of a run, as a hook.
- `environment`: secrets in the environment.
- `settings_pickle`: objects that are pickled by their settings.
"""
