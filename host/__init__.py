"""The host: runs an app, its workers, its triggers and its durable task hub."""
