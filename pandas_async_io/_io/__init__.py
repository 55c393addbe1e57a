"""The room that does: the only awaits, clocks, files and threads."""
