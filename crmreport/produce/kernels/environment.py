"""What a chapter sees of the environment its run was started in."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Where programs and fonts are found, the language and zone of the machine, how libraries use it. A run may
# be started with secrets in its environment (mail, delivery, other clients' files): what a chapter prints
# or fails with stands in the report, its record and the page of all reports.
_SEEN = re.compile(
    r"PATH|HOME|USER|USERNAME|LOGNAME|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|TEMP|TMP|SOURCE_DATE_EPOCH"
    r"|LD_LIBRARY_PATH|DYLD_\w+|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|APPDATA|LOCALAPPDATA|USERPROFILE"
    r"|XDG_\w+_(?:HOME|DIRS|DIR)|FONTCONFIG_\w+"
    r"|PYTHON\w+|VIRTUAL_ENV|CONDA_(?:PREFIX|DEFAULT_ENV)|COVERAGE_\w+|MPL\w+|PYDEVD_\w+|JPY_\w+"
    r"|(?:OPENBLAS|OMP|MKL|NUMEXPR|POLARS|ARROW|DUCKDB)_\w+"
)


def chapter_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that say how this machine works, and none that say what only the run is to know.

    Examples:
        >>> chapter_environment({"PATH": "/bin", "LC_ALL": "C.UTF-8", "CRMREPORT_SMTP_PASSWORD": "hunter2"})
        {'PATH': '/bin', 'LC_ALL': 'C.UTF-8'}
    """
    return {name: value for name, value in environment.items() if _SEEN.fullmatch(name)}
