"""What fits: models of how an entry ends, on purged folds of gold, beside a random walk."""
