"""Audits of sessions: that no feature sees the future, that what is published is what was built."""
