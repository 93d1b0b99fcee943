"""A small report factory that can be broken for real: clients, chapters, the command as a process."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from crmreport.produce.attempts import Attempt, last_attempt
from crmreport.workspace import HOME_VARIABLE, Workspace
from tests.produce.chapters import message, shows, table, write_chapter

ROOT = Path(__file__).resolve().parents[3]
PERIOD = "2026-10"
_PATIENCE = 400.0
"""Seconds until a test gives up on something that should take a few."""

CLIENT = """\
client: {client}
name: {{ja: 店, en: Shop {client}}}
languages: [en]
sources:
  order_lines:
    - path: data/{file}
      columns: {{customer_id: customer, order_id: order, ordered_at: day, revenue: yen}}
reports:
  assessment: {{chapters: [steady, {chapter}]}}
"""
ORDERS = "customer,order,day,yen\nc1,o1,2026-09-09,500\nc1,o2,2026-10-01,1000\nc2,o3,2026-10-02,2000\n"

HOLD = """\
import os, time
from pathlib import Path
home = Path(os.environ["CRMREPORT_HOME"])
begun = home / f"{client}.begun"
begun.with_suffix(".draft").write_text(str(os.getpid()))
begun.with_suffix(".draft").rename(begun)
while (home / f"{client}.hold").exists():
    time.sleep(0.05)
"""
"""Says which process it runs in, and stays in the middle of its chapter as long as it is held."""


def until(true: Callable[[], Any], what: str, seconds: float = _PATIENCE) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited {seconds:.0f} s for: {what}"
        time.sleep(0.02)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """Its stdout, which is one JSON document and nothing else."""
        return json.loads(self.out)

    @property
    def reports(self) -> dict[str, dict[str, Any]]:
        """Its records, by client."""
        return {record["client"]: record for record in self.document["reports"]}

    @property
    def errors(self) -> list[str]:
        """Lines of stderr that say what went wrong."""
        return [line for line in self.err.splitlines() if line.startswith("error: ")]


@dataclass
class Command:
    """A command that runs, in a process group of its own."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    def end(self, seconds: float = _PATIENCE) -> Ended:
        """Wait for its end."""
        self.process.wait(seconds)
        return Ended(self.process.returncode, self.out.read_text("utf-8"), self.err.read_text("utf-8"))

    def signal(self, signum: int, *, group: bool = False) -> None:
        """Send a signal to it, or to all of its group as a terminal does."""
        (os.killpg if group else os.kill)(self.process.pid, signum)


@dataclass
class Factory:
    """A workspace, and the commands run in it."""

    root: Path
    started: list[Command] = field(default_factory=list)

    # What it is made of.

    def add(self, client: str, chapter: str = "", *, file: str = "orders.csv", more: str = "") -> None:
        """A client whose report has the chapter ``steady`` and one of its own."""
        home = self.root / "clients" / client
        (home / "data").mkdir(parents=True, exist_ok=True)
        text = CLIENT.format(client=client, chapter=chapter or f"{client}_part", file=file) + more
        (home / "client.yml").write_text(text, encoding="utf-8")
        (home / "data" / "orders.csv").write_text(ORDERS, encoding="utf-8")
        self.chapter("steady")
        self.chapter(chapter or f"{client}_part")

    def chapter(self, name: str, *code: str) -> None:
        """A chapter that says something, after what its code does."""
        kpi = f"kpi,spec,value,previous,year_ago\n{name},money,3000,500,\n"
        shown = shows(message(name, "見出し", f"Headline of {name}"), table(f"{name}.kpi", kpi))
        write_chapter(self.root / "notebooks", name, *code, shown)

    def orders(self, client: str, line: str) -> None:
        """New data have come: whatever was made of the old is to be made again."""
        with (self.root / "clients" / client / "data" / "orders.csv").open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def hold(self, client: str) -> None:
        """Keep the client's chapter :data:`HOLD` in its middle."""
        (self.root / f"{client}.begun").unlink(missing_ok=True)
        (self.root / f"{client}.hold").touch()

    def begun(self, client: str) -> int:
        """Wait until the chapter that is held has begun: the process it runs in."""
        path = self.root / f"{client}.begun"
        until(path.is_file, f"the chapter of {client} begins")
        return int(path.read_text())

    def let_go(self, client: str) -> None:
        """Let its chapter go on, and its next run not stop at all."""
        (self.root / f"{client}.hold").unlink(missing_ok=True)

    # What is done with it.

    def start(self, *words: str, program: Sequence[str] = ("-m", "crmreport")) -> Command:
        """Start a command."""
        number = len(self.started)
        out, err = self.root / f"{number}.out", self.root / f"{number}.err"
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, *program, *words],
                cwd=self.root,
                env={**os.environ, HOME_VARIABLE: str(self.root), "PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        self.started.append(Command(process, out, err))
        return self.started[-1]

    def run(self, *words: str) -> Ended:
        """``crmreport run`` to its end."""
        return self.start("run", "--period", PERIOD, "--json", *words).end()

    def close(self) -> None:
        """Leave no process behind, however a test ended."""
        for command in self.started:
            if command.process.poll() is None:
                command.process.kill()
                command.process.wait()
        for process in self.processes():
            process.kill()

    # What is to be seen.

    @property
    def workspace(self) -> Workspace:
        """As the package sees it."""
        return Workspace(self.root)

    def folder(self, client: str, period: str = PERIOD) -> Path:
        """Where a report is published."""
        return self.root / "reports" / client / period

    def partial(self, client: str, period: str = PERIOD) -> Path:
        """Where its incomplete report goes."""
        return self.root / "reports" / ".partial" / client / period

    def published(self, client: str, period: str = PERIOD) -> dict[str, bytes]:
        """Every file of a complete report that is exactly what its record says; {} when there is none."""
        folder = self.folder(client, period)
        if not (folder / "run.json").is_file():
            return {}
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        assert (record["status"], record["client"], record["period"]) == ("complete", client, period)
        files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        recorded = {o["path"]: o["sha256"] for o in record["outputs"]}
        assert recorded == {n: hashlib.sha256(b).hexdigest() for n, b in files.items() if n != "run.json"}
        return files

    def attempt(self, client: str, period: str = PERIOD) -> Attempt:
        """How the last attempt at a report ended."""
        found = last_attempt(self.workspace, client, period, "assessment")
        assert found is not None
        return found

    def staged(self) -> list[str]:
        """What lies about from reports that were not finished."""
        return sorted(p.name for p in (self.root / "reports" / ".staging").iterdir())

    def processes(self) -> list[psutil.Process]:
        """Every process that works in this workspace; each has inherited its name."""
        found = []
        for process in psutil.process_iter():
            try:
                there = process.environ().get(HOME_VARIABLE) == str(self.root)
                if there and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def assert_nobody_left(self) -> None:
        """No process of a command that ended is there any more."""
        until(lambda: not self.processes(), "every process to be gone", 30)

    def assert_repaired(self, *clients: str) -> None:
        """The next run makes complete reports and leaves nothing about."""
        names = [word for client in clients for word in ("--client", client)]
        ended = self.run(*names)
        assert (ended.code, ended.err) == (0, "")
        for client in clients:
            assert self.published(client)
            assert not self.partial(client).exists()
            assert (self.attempt(client).status, self.attempt(client).error) == ("complete", "")
        assert self.staged() == []


def one_line(message: str) -> str:
    """The message, if it is what a message has to be: one line, no traceback, with a way out."""
    assert message.count("\n") <= message.endswith("\n")
    assert "Traceback" not in message
    assert ";" in message or "?" in message
    return message.strip()


INTERRUPT, TERMINATE = signal.SIGINT, signal.SIGTERM
