"""Decides when a request to an origin may start.

- `gate`: what all calls of a client share at one origin, and the way in
- `entry`: whether a request may start
- `pause`: until when no request starts
- `server_budget`: what the server says is left of its limit
- `learnt_pace`: how far apart an endpoint's starts are, as learnt from refusals
- `rates`: the rates that calls and clients set (the only file that imports aiolimiter)
- `slots`: how many requests are in flight
- `shared_limits`: what the processes of a cluster share
- `origins`: the gates of a client, and those that one run goes through
"""
