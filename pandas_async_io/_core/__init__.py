"""Decisions. The data goes through the packages in this order.

Invariant: nothing here awaits, reads a clock, a file, a socket or the environment, draws a random number
or writes a log. Everything comes in as an argument, every decision goes out as a value.

* `models`, `errors`: the values that travel, and the exceptions
* `arrays`, `json_path`: array types, paths in a payload
* `numbers`, `option_values`, `option_names`, `words`: numeric options, other options, their names, counts and values in
  words
* `security`: what may be sent where, and what may be shown of it
* `server_message`: which message of a server or of a user's function is shown
* `request`: which requests the rows make
* `policy`: when a request starts, whether it is repeated, when a run stops
* `body`: how a body becomes a payload
* `table`: how payloads become columns
* `workflow`: which requests follow a response
* `storage`: which answers are kept, and for which requests they are taken
* `report`: how the rows of a run ended, and why
"""
