"""What the operating system gives: signals, locks of files, files for their owner alone, limits."""
