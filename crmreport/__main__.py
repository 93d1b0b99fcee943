"""``python -m crmreport`` is ``crmreport``."""

import sys

from crmreport.cli import main

sys.exit(main())
