"""`fnhost init` and `fnhost new`: an app, and functions in it, from templates (platform/command-line.md 4).

`data/project` holds what an app begins with, in folders that lie over each other; `data/functions` holds a template for
each kind of function, by programming model.
"""
