"""What a run did: how each row ended, why rows failed, and what limited the run.

- `events`: what happens in a run, as values, and the hooks that take them
- `outcomes`: the outcome of each request and of each row
- `causes`: failed rows grouped by cause, and the remedy for each cause
- `tally`: counts that the engine keeps while a run lasts
- `run_state`: how far a run is, and what it waits for
- `limit`: what held the run back most, and what would speed it up
- `report`: the `Report` that a user reads
- `figure`: the report as a matplotlib figure
- `history`: the runs behind a frame, carried in ``df.attrs``
- `parallel_runs`: the report and the failures of runs that were parts of one call
- `look`: a look at an answer, and the options that make it a frame.
"""
