"""What can go wrong, as types a caller can tell apart.

Every message is one line that names the thing (file, line, key, column, value),
says what was found, and ends with a way out.
"""

from __future__ import annotations

import re
from typing import Any, Literal, Self, get_args

Counted = Literal["customers", "paying_customers", "repeat_customers"]


class CrmReportError(Exception):
    """Base of every error this package raises on purpose; the CLI prints it without a traceback."""

    exit_code = 1


class ConfigError(CrmReportError):
    """The client file, a chapter's parameters or a command's arguments are not usable."""

    exit_code = 2


class DataError(CrmReportError):
    """The client's data cannot be read, or too much of it had to be set aside."""

    exit_code = 3


class TooFewError(DataError):
    """There are too few of something to give numbers: an answer about the client, not a fault.

    A chapter that meets it is withheld and says so; the report around it is complete.

    Args:
        what: Whom there are too few of: customers with a purchase, with net revenue above 0, or with
            a second purchase.
        found: How many there are.
        needed: How many there would have to be.
        remedy: What an analyst may do about it.

    Examples:
        >>> print(TooFewError("customers", found=3, needed=10, remedy="look at a longer window"))
        too few customers: 3 found, 10 or more needed; look at a longer window
    """

    _MESSAGE = re.compile(r"too few ([a-z ]+): (\d+) found, (\d+) or more needed; (.*)")

    def __init__(self, what: Counted, *, found: int, needed: int, remedy: str) -> None:
        super().__init__(
            f"too few {what.replace('_', ' ')}: {found} found, {needed} or more needed; {remedy}"
        )
        self.what, self.found, self.needed, self.remedy = what, found, needed, remedy

    @classmethod
    def read(cls, message: str) -> Self | None:
        """The error a message came from; a kernel passes on nothing but the text.

        Examples:
            >>> said = str(TooFewError("repeat_customers", found=0, needed=1, remedy="wait"))
            >>> TooFewError.read(said).what
            'repeat_customers'
        """
        found = cls._MESSAGE.fullmatch(message.strip())
        what: Any = found[1].replace(" ", "_") if found else None
        if found is None or what not in get_args(Counted):
            return None
        return cls(what, found=int(found[2]), needed=int(found[3]), remedy=found[4])


class NotDeliveredError(DataError):
    """A month that is due has no complete data yet: no fault, it stays due."""


class RunError(CrmReportError):
    """A chapter failed, a limit was hit, or a report could not be published."""

    exit_code = 4


class StoppedError(CrmReportError):
    """The run was stopped from outside: Ctrl-C, or a signal. What is published stays as it was."""

    exit_code = 130
