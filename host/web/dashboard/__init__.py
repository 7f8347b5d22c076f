"""The dashboard: pages and an API below `/runtime/dashboard`, a path that the platform lets no function have."""
