"""Many sessions: which committed sessions gold reads, and its publication."""
