"""`python -m benchmarks` is `python -m benchmarks.speed`."""

import sys

from benchmarks.speed import main

sys.exit(main())
