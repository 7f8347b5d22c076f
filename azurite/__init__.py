"""The pinned storage emulator and its launcher."""
