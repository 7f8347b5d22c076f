"""The Python worker: runs an app's functions under the app's own interpreter, 3.9 and newer.

Only the standard library and the app's own `azure.functions` are used, so nothing clashes with the app's packages.
Started by the host, never imported by it. The conversation is platform/worker-protocol.md 1 to 7 in the frames of 8.
"""
