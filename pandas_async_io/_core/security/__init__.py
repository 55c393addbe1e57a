"""What may be sent where, and what may be shown of it.

Invariant: no credential follows a request to another origin, and no secret reaches a text that someone may read.

* `origins`: which scheme, host and port a URL belongs to, and which hosts are allowed
* `redirects`: whether a redirect is followed, and with what
* `addresses`: which IP addresses are public, and which are written in disguise
* `unsafe_values`: which characters and path segments are never sent
* `secrets`: which names belong to secrets, and how their values are masked in a text
* `redaction`: how a call's own credentials are removed from a text, by value
"""
