"""The commands of `fnhost` other than `start` and `check`, a module for each."""
