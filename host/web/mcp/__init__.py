"""A server of the Model Context Protocol: tools with which a language model sees and steers a running host.

The tools ask the host over its own HTTP endpoints, so that there is one implementation: over a connection from another
process, or within the host itself. The modules here need the extra `mcp`, except for `endpoint` and `missing`.
"""
