"""`python -m report`: write pages that open from a file, without a network."""

from report.cli import main

raise SystemExit(main())
