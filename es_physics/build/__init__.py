"""Build sessions: one, a range, on this machine or a cluster."""
