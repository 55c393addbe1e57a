"""What servers say of their limits, and in which form they write times.

- `server_budgets`: the requests that a server still accepts, by its headers.
- `reset_time`: when these limits are reset, more exactly than each response says.
- `graphql_cost`: the same for GraphQL servers that limit the cost of queries.
- `header_times`: ``Retry-After``, dates and resets in seconds.
- `structured_fields`: structured header values (RFC 9651).
"""
