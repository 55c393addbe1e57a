"""Rows become concurrent HTTP requests, answers become columns."""
