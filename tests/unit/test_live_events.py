"""Server-sent events of the dashboard: what is kept, merged, dropped and given again."""
