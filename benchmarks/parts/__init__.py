"""One module per part; each has `measure(bench)`, an async iterator of measures."""
