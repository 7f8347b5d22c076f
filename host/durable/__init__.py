"""The durable engine: decides purely, commits thinly."""
