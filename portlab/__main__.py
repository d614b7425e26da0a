"""`python -m portlab` is `portlab`."""

import sys

from portlab.cli import main

sys.exit(main())
