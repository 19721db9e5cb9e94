"""`python -m publish`: look at what is published."""

from publish.cli import main

raise SystemExit(main())
