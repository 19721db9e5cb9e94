"""Published sessions: the commit, reading, checking and cleaning up."""
