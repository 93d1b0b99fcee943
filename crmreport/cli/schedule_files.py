"""Files that make a scheduler run crmreport: filled in from templates/schedule/."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2

from crmreport.errors import ConfigError

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "schedule"
_LONGEST_LINE = 998
"""Of a crontab, with its newline; cron drops what is longer."""
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Times:
    """When a scheduler starts: every day, or on one day of every month.

    Args:
        day: 1 to 28, so that every month has it; None for every day.
    """

    hour: int
    minute: int
    day: int | None
    zone: str

    @classmethod
    def parse(cls, at: str, *, day: int | None, zone: str) -> Times:
        """Read ``06:00``.

        Raises:
            ConfigError: It is no time of day, or there is no such time zone.
        """
        clock = _CLOCK.fullmatch(at)
        if clock is None:
            raise ConfigError(f"--at {at!r} is no time of day; write it as 06:00")
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError):
            raise ConfigError(f"--zone {zone!r} is not a time zone; use a name such as Asia/Tokyo") from None
        return cls(int(clock[1]), int(clock[2]), day, zone)

    def in_utc(self, now: datetime) -> Times:
        """The same times for a scheduler that knows no zones, with the offset of ``now``.

        Raises:
            ConfigError: In UTC it is another day, and one that not every month has.

        Examples:
            >>> from datetime import UTC
            >>> winter = datetime(2026, 1, 15, tzinfo=UTC)
            >>> Times(6, 0, 2, "Asia/Tokyo").in_utc(winter)
            Times(hour=21, minute=0, day=1, zone='UTC')
        """
        offset = now.astimezone(ZoneInfo(self.zone)).utcoffset() or timedelta()
        minutes = self.hour * 60 + self.minute - round(offset.total_seconds() / 60)
        turn, rest = divmod(minutes, 24 * 60)
        day = None if self.day is None else self.day + turn
        if day is not None and not 1 <= day <= 28:
            raise ConfigError(
                f"day {self.day}, {self.hour:02}:{self.minute:02} in {self.zone} is in UTC a day that not "
                "every month has; choose another --day or --at, or leave --day out"
            )
        return Times(rest // 60, rest % 60, day, "UTC")


@dataclass(frozen=True, slots=True)
class Installation:
    """What is to be run, and where.

    Args:
        root: The workspace.
        program: Words that start crmreport, the first a full path.
        user: Who runs it.
        secrets: Names of environment variables that client files ask for.
        databases: Whether one of the clients has a query among its sources.
    """

    root: Path
    program: tuple[str, ...]
    user: str
    secrets: tuple[str, ...] = ()
    databases: bool = False

    @property
    def environment(self) -> Path:
        """Where secrets stand for schedulers that start with a bare environment."""
        return self.root / "crmreport.env"

    @property
    def log(self) -> Path:
        """What cron's runs said."""
        return self.root / "reports" / "cron.log"


def cron(place: Installation, times: Times) -> dict[str, str]:
    """A crontab; its log lies in reports/.

    Raises:
        ConfigError: The line would be longer than cron reads.
    """
    # The log's folder may not be there yet; set -a hands the secrets on to the program.
    command = (
        f"cd {shlex.quote(str(place.root))} && mkdir -p reports && "
        f"{{ set -a; [ ! -r crmreport.env ] || . ./crmreport.env; set +a; date -u; "
        f"{shlex.join(place.program)} run --all --period due; }} >> reports/{place.log.name} 2>&1 || "
        '{ code=$?; echo "crmreport ended with $code, see" '
        f"{shlex.quote(str(place.log))} >&2; exit $code; }}"
    )
    name = "crmreport.crontab"
    text = _fill("crontab.j2", place, times, command=command, name=name)
    if len(text.splitlines()[-1].encode()) > _LONGEST_LINE:
        raise ConfigError(
            f"the crontab's line would be longer than cron reads, because of {place.root}; "
            "move the folder up, or use --systemd"
        )
    return {name: text}


def systemd(place: Installation, times: Times) -> dict[str, str]:
    """A service and its timer."""
    names = ("crmreport.service", "crmreport.timer")
    return {name: _fill(f"{name}.j2", place, times) for name in names}


def airflow(place: Installation, times: Times) -> dict[str, str]:
    """A DAG with one task per client that has something due."""
    name = "crmreport_dag.py"
    return {name: _fill(f"{name}.j2", place, times)}


def github_actions(place: Installation, times: Times, now: datetime) -> dict[str, str]:
    """A workflow; its times are UTC, with the offset of ``now``."""
    name = "crmreport.yml"
    return {name: _fill(f"{name}.j2", place, times, utc=times.in_utc(now))}


def _fill(template: str, place: Installation, times: Times, **more: Any) -> str:
    words = [str(place.root), place.user, *place.program]
    if bad := next((word for word in words if not word.isprintable()), None):
        raise ConfigError(f"{bad!r} has a character in it that no scheduler's file can hold; rename it")
    values = {
        "root": str(place.root),
        "cache": str(place.root / ".cache"),
        "environment": str(place.environment),
        "log": str(place.log),
        "program": place.program,
        "user": place.user,
        "secrets": place.secrets,
        "databases": place.databases,
        "hour": times.hour,
        "minute": times.minute,
        "day": times.day,
        "zone": times.zone,
    }
    return _environment().get_template(template).render({**values, **more})


def _environment() -> jinja2.Environment:
    # GitHub and Airflow have {{ }} of their own.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # each filter below writes its own file's quotes
    )
    filters: dict[str, Callable[..., str]] = {
        "cron": lambda text: text.replace("%", r"\%"),
        "percent": lambda text: text.replace("%", "%%"),
        "unit": _unit_word,
        "exec": lambda text: _unit_word(text).replace("$", "$$"),
        "py": lambda value: json.dumps(value, ensure_ascii=False),
    }
    environment.filters.update(filters)
    return environment


def _unit_word(text: str) -> str:
    """One word of a systemd unit, whatever is in it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return escaped if re.fullmatch(r"[\w@%+=:,./-]+", text) else f'"{escaped}"'
