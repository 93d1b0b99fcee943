"""kill -9 in the middle: every list is the one before or the whole new one, and a second try ends it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crmreport.cli import main
from crmreport.produce.records.verify import verify
from crmreport.workspace import HOME_VARIABLE
from tests.forget.world import LISTS, REPORT, WHO, customers_of, holding

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")]

KILLED = """
# Run a command, and be killed when it is about to change the disk the {nth}th time, where a path holds
# {part!r}; say how often it did.
import os, signal, sys
from crmreport.cli import main

done = 0

def look(event, given):
    global done
    writes = event == "open" and isinstance(given[2], int) and given[2] & (os.O_WRONLY | os.O_RDWR)
    if writes and str(given[0]).endswith(".lock"):
        return
    changes = writes or event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir")
    if changes and {part!r} in str(given[0]):
        done += 1
        if done == {nth}:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(look)
code = main()
print(done, file=sys.stderr)
sys.exit(code)
"""
POINTS = 4


def run(root: Path, nth: int, part: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", KILLED.format(nth=nth, part=part), "forget", "shop", WHO],
        env={**os.environ, HOME_VARIABLE: str(root), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module", params=["", "/lists/"], ids=["anywhere", "at the lists"])
def changes(
    request: pytest.FixtureRequest, world: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, int]:
    """Part of a path, and how often a request that is left alone changes the disk there."""
    root = tmp_path_factory.mktemp("whole") / "home"
    shutil.copytree(world, root)
    ended = run(root, 0, request.param)
    assert ended.returncode == 0, ended.stderr
    assert holding(root, WHO) == set()
    return request.param, int(ended.stderr.split()[-1])


@pytest.mark.parametrize("point", range(POINTS))
def test_killed_and_run_again(root: Path, world: Path, changes: tuple[str, int], point: int) -> None:
    part, often = changes
    nth = 1 + point * (often - 1) // (POINTS - 1)
    assert run(root, nth, part).returncode == -9

    before = {name: customers_of(world / REPORT / "lists" / f"{name}.csv") for name in LISTS}
    after = {name: [who for who in ids if who != WHO] for name, ids in before.items()}
    now = {name: customers_of(root / REPORT / "lists" / f"{name}.csv") for name in LISTS}
    assert now in (before, after), "all lists of a report change at once"
    found = verify(root / REPORT)
    assert found.problems == ()
    assert bool(found.taken_out) == (now == after)

    assert main(["forget", "shop", WHO]) == 0
    assert holding(root, WHO) == set()
    assert verify(root / REPORT).ok
    assert {name: customers_of(root / REPORT / "lists" / f"{name}.csv") for name in LISTS} == after
    assert not list((root / "reports" / ".staging").iterdir())
    assert main(["plan-test", "--client", "shop", "--campaign", "m1", "--check"]) == 0
