"""Bronze: which feeds there are, what a partition is, and how dbt reads one."""
