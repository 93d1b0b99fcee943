"""Where things lie on disk: one folder with clients/, notebooks/ and reports/ in it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from crmreport.errors import ConfigError

HOME_VARIABLE = "CRMREPORT_HOME"
STORE = ".store"
"""In a client's folder: its stores."""
ANSWERS = Path(STORE, "queries")
"""In a client's folder: the last answers of its databases, and those before them, perhaps being read."""
_SLUG = re.compile(r"[a-z0-9_-]{1,64}")


def slug(text: str, what: str) -> str:
    """Return ``text`` when it is safe as a folder name, else refuse it.

    Raises:
        ConfigError: The text is not 1 to 64 of a-z, 0-9, ``_`` and ``-``.
    """
    if not isinstance(text, str) or not _SLUG.fullmatch(text):
        raise ConfigError(f"{what} {text!r} is not a safe name; use 1 to 64 of a-z, 0-9, _ and -")
    return text


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folder the work is done in.

    Examples:
        >>> Workspace(Path("/srv/crm")).client_file("demo").as_posix()
        '/srv/crm/clients/demo/client.yml'
    """

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Workspace:
        """The workspace named by ``CRMREPORT_HOME``, else the nearest folder upward with clients/ in it.

        Raises:
            ConfigError: There is none.
        """
        if home := os.environ.get(HOME_VARIABLE):
            return cls(Path(home).resolve())
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            if (folder / "clients").is_dir():
                return cls(folder)
        raise ConfigError(
            f"no clients/ folder in {here} or above it; "
            f"run this from your project folder, or set {HOME_VARIABLE}"
        )

    def client(self, client: str) -> Path:
        """Folder of one client: client.yml, data/, .store/, quarantine/."""
        return self.root / "clients" / slug(client, "client")

    def client_file(self, client: str) -> Path:
        """The client's settings."""
        return self.client(client) / "client.yml"

    def store(self, client: str) -> Path:
        """Canonical Parquet stores of one client, one folder per content key, and beside them its answers."""
        return self.client(client) / STORE

    def answers(self, client: str) -> Path:
        """What the client's databases answered: no store, though it lies among them."""
        return self.client(client) / ANSWERS

    def quarantine(self, client: str) -> Path:
        """Lines that could not be read, per store key."""
        return self.client(client) / "quarantine"

    def near(self, path: Path) -> str:
        """A path as people and records are told it: from the workspace on, with ``/``.

        Examples:
            >>> Workspace(Path("/srv/crm")).near(Path("/srv/crm/reports/demo"))
            'reports/demo'
        """
        return path.relative_to(self.root).as_posix()

    def without_root(self, text: str) -> str:
        """What is said without where the workspace lies: it may be shown to others."""
        root = re.escape(f"{self.root}{os.sep}")
        return re.sub(rf"(?<![\w/\\.-]){root}", "", text)

    @property
    def notebooks(self) -> Path:
        """The chapters."""
        return self.root / "notebooks"

    @property
    def reports(self) -> Path:
        """Published reports: reports/<client>/<period>/."""
        return self.root / "reports"
