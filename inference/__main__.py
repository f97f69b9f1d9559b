"""`python -m inference`: the same as `hoiquy`."""

import sys

from inference.cli import main

if __name__ == "__main__":
    sys.exit(main())
