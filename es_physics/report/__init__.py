"""Self-contained HTML pages of published sessions: one session, a range of them, an index."""
