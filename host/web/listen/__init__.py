"""HTTP/1 over a socket: heads, bodies, connections, their limits, and the names a host answers to (docs/http.md)."""
