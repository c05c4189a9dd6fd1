"""`python -m ntkc`."""

import sys

from ntkc.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
