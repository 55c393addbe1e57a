"""Checks and compiles a call before its first request.

- `prepare`: everything that is checked and compiled before the first request.
- `source`: the arguments of a call, and the part of an earlier run that it continues.
- `prepared_call`: the values of a prepared call.
- `requests`: the requests of a call, expanded over its rows.
- `url_list`: the requests of a call with whole URLs.
- `credentials`: where the credentials of a call may go.
- `batch_requests`: the requests of a call with ``batch=``.
- `stored_keys`: the keys of a batch that a store answers.
- `request_body`: the JSON body that the options give, and its checks.
- `interpreter`: what reads the bodies of responses.
- `limits`: which limits are the call's, and which its client's.
- `store`: where answers are kept.
- `redactor`: what hides credentials in messages.
"""
