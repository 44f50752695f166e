"""`python -m motet` is the `motet` command."""

import sys

from motet.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
