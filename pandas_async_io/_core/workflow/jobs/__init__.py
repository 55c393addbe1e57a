"""Jobs: submit → poll → download, for APIs that answer with a job instead of a result.

- `poll`: the public option `Poll`
- `job_states`: which states end a job, and how states are compared
- `job`: one row's job and its phases: submit, poll, download
- `next_request`: which request follows a response, and when
- `request_rules`: what the requests of a job carry, and where they may go
- `workflow`: the steps of every row's job, and what a later run continues
"""
