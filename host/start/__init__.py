"""`fnhost start`: serve an app, watch its files, and go from one version to the next."""
