"""The room that decides: no await, clock, dice, file, socket, log or environment.

Everything comes in as an argument, every decision goes out as a value.
"""
