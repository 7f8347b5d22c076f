"""Workers that are custom handlers: programs with an HTTP server (platform/custom-handlers.md)."""
