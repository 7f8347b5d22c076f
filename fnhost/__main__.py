"""`python -m fnhost`: the command line."""

import sys

from fnhost.host.cli import main

sys.exit(main())
