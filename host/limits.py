"""How long things may take, in seconds. Each limit lies inside the one that contains it: tests/unit/test_limits.py.

When the host ends, one after the other must fit into END:

END                        Ctrl-C to the end of the process, whatever happens (Core Tools force it after 2 s)
    RESPONSES_END          requests that run at the SDKs' endpoint may end
    RESPONSES_CANCELLED    and once they are cancelled
    EPISODES_END           orchestrators and entities that run may end
    MESSAGES_RETURN        messages and leases are given back to storage
    LAST_PATIENCE          functions that run may end
    LAST_DRAIN             and what runs in a worker without a trigger that listens
    LAST_STOP              workers that were asked to end may run their exit handlers
    PIPES_LINGER           an ended worker's last lines are read
    RESPONSES_END          requests that are left may end: they wait for storage, or for slow clients
    RESPONSES_CANCELLED    and once they are cancelled

While the host runs:

START                      a worker process to its first message and its answer to workerInitRequest
READY                      a call waits for a process that replaces a crashed one
STOP                       a worker of an earlier version, asked to end, may run its exit handlers
DEAF                       a worker may live on after it closed its socket
"""

END = 1.8
EPISODES_END = 0.3
MESSAGES_RETURN = 0.4
LAST_PATIENCE = 0.4
LAST_DRAIN = 0.05
LAST_STOP = 0.3
PIPES_LINGER = 0.1
RESPONSES_END = 0.05
RESPONSES_CANCELLED = 0.05

START = 60.0
READY = 40.0
STOP = 2.0
DEAF = 1.0
LEAST_LOAD = 60.0
"""The load of an app has functionTimeout, and never less than this (platform/lifecycle.md 1)."""

SILENCE = 5.0
"""A worker that holds invocations and has not answered for so long is reported."""
PING = 1.0
"""The pause between two questions whether a worker that holds invocations is there."""

MOST_EARLIER_VERSIONS = 5
"""With more versions than this that still run something, the user is warned of the memory they take."""
MOST_OPEN_FILES = 16_384
"""What the host raises its soft limit of open files to, as far as the hard limit allows."""
MOST_FRAME_BYTES = 256 * 1024 * 1024
"""The size of one message between host and worker (platform/worker-protocol.md 8)."""
