"""`python -m returns_pipeline.cli`, for processes that know the package and not where its command lies."""

import sys

from returns_pipeline.cli import main

if __name__ == "__main__":
    sys.exit(main())
