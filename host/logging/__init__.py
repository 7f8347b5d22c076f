"""What happens, as events and records; and who reads them: console, JSON lines, files."""
