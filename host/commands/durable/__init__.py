"""`fnhost durable …` and `fnhost reset`: the instances of an app, seen and steered from a terminal.

The names and options are those of `func durable` (platform/command-line.md 4). Every verb asks the management API: of
the host that runs or, without one, of a client on the storage itself.
"""
