"""When an origin is down, or no row can succeed.

- `breaker`: the circuit breaker of an origin.
- `canary`: the first responses that show that no row can succeed.
- `origin_signal`: what an attempt shows about its origin.
- `kept_connections`: which requests need a new connection.
"""
