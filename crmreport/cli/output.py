"""What commands print: results on stdout, progress and errors on stderr, never markup from data."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from typing import Any

from crmreport.errors import CrmReportError

TRACEBACK_VARIABLE = "CRMREPORT_TRACEBACK"
_LONGEST = 500


def say(text: str = "") -> None:
    """A line of the result."""
    print(_printable(text))


def note(text: str) -> None:
    """A line about the work, not part of the result."""
    # In one piece: threads of several reports speak at the same time, and print() sends the line's end apart.
    sys.stderr.write(f"{_printable(text)}\n")
    sys.stderr.flush()


def fault(error: Exception) -> str:
    """What is said of an error nobody foresaw: one line; where it came from, for who asks."""
    if os.environ.get(TRACEBACK_VARIABLE):
        traceback.print_exception(error)
    text = " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST]
    return f"{text}; this is a fault of crmreport: run again with {TRACEBACK_VARIABLE}=1 and report it"


def complain(who: str, error: Exception) -> None:
    """Say what went wrong with one of several, a line for each line of it."""
    said = str(error) if isinstance(error, CrmReportError) else fault(error)
    for line in said.splitlines():
        note(f"error: {who}: {line}")


def say_json(value: Any) -> None:
    """The result as one JSON document."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def say_table(
    header: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[int] = ()
) -> None:
    """Aligned columns; ``numbers`` are the positions of the right-aligned ones."""
    from unicodedata import east_asian_width

    def width(text: str) -> int:
        return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)

    lines = [list(header), *([f"{v:,}" if isinstance(v, int) else str(v) for v in row] for row in rows)]
    widths = [max(width(line[i]) for line in lines) for i in range(len(header))]
    for line in lines:
        cells = []
        for i, text in enumerate(line):
            pad = " " * (widths[i] - width(text))
            cells.append(pad + text if i in numbers else text + pad)
        say("  ".join(cells).rstrip())


def _printable(text: str) -> str:
    """Control characters and RTL marks of a client's file must not steer the terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in text)
