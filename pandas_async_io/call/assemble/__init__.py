"""Makes the frame of a call that was sent.

- `assemble`: makes the frame and its run.
- `output`: the records beside their rows.
- `attach`: puts the run on the frame, and warns or raises for failed rows.
"""
