"""The conversation with official language workers, over the platform's gRPC service (platform/official-workers.md)."""
