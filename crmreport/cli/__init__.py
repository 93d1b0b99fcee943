"""The command line: parses, calls, and maps errors to exit codes and one clear line.

Nothing here is imported by the rest of the package, and nothing heavy is imported here:
``crmreport --help`` must not wait for pandas.
"""

from crmreport.cli.main import main

__all__ = ["main"]
