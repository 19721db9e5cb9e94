"""An independent, slow and literal computation of the Silver tables, used as a test oracle.

It shares no formula with the dbt project: trades are walked one by one in Python, statistics are
exact or correctly rounded, the book is held in plain arrays, and the null model inverts a Laplace
transform numerically. Whatever both sides agree on was computed twice.

`read_session` computes one session date from Bronze; `build_session` does the same from records
held in memory. Both give the tables of sections 1 to 8; `expected_tables_v11` gives these with all
that sections 10 to 13 add and correct, by their published names. `compare` says in words how two
tables differ.
"""

from reference.comparison import compare
from reference.session import SessionTables, build_session, read_session
from reference.session_v11 import KEYS, expected_tables_v11

__all__ = [
    "KEYS",
    "SessionTables",
    "build_session",
    "compare",
    "expected_tables_v11",
    "read_session",
]
