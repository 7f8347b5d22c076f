"""The binding types: what each one accepts in a function.json, and how the host speaks to its service."""
