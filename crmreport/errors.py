"""What can go wrong, as types a caller can tell apart.

Every message is one line that names the thing (file, line, key, column, value),
says what was found, and ends with a way out.
"""


class CrmReportError(Exception):
    """Base of every error this package raises on purpose; the CLI prints it without a traceback."""

    exit_code = 1


class ConfigError(CrmReportError):
    """The client file, a chapter's parameters or a command's arguments are not usable."""

    exit_code = 2


class DataError(CrmReportError):
    """The client's data cannot be read, or too much of it had to be set aside."""

    exit_code = 3


class RunError(CrmReportError):
    """A chapter failed, a limit was hit, or a report could not be published."""

    exit_code = 4
