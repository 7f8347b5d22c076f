"""`fnhost settings list|add|delete`: what local.settings.json holds, changed without losing what else stands there."""
