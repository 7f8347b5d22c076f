"""Reads an app from its files, checks it, and reports every problem with file and place.

`app` puts it together. `root` finds its folder, `documents` reads files, `localsettings` and `hostjson` the two that
configure an app, `folders` finds the functions, `functions` and `entries` read them, `indexed` those declared in code.
`checks` and `conflicts` compare them, `expressions` checks binding expressions, `warnings` finds what is no problem.
"""
