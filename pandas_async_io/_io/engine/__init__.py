"""Runs the requests of a call: the one loop that paces, sends, decodes, repeats and follows up.

- `run`: one run per origin, whose workers share an iterator of requests
- `run_origins`: the origins of a call side by side
- `backlog`: the requests of a run that are not in flight
- `admission`: whether a request may be sent now, and how it ends if not
- `attempt`: one request sent once, and what its gate learns from it
- `follow_up`: what follows an attempt: a repetition, the next steps, or a result
- `stored_answers`: kept answers, taken before the gate
- `run_events`: what happens, built for the hooks that listen
- `task_group`: tasks that end together
- `context`: what all runs of a call share
- `running_calls`: the calls on one set of connections, for the end of a client
"""
