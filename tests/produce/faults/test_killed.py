"""kill -9: of a kernel, of the runner in the middle of chapters, of the runner while it publishes."""

from __future__ import annotations

import inspect
import os
import signal

import nbformat
import pytest

from crmreport.produce import publish
from tests.produce.faults.factory import HOLD, PERIOD, Factory, one_line

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")]

KILLED = """
# Run a command, and be killed when publish.swap_in is about to run its line {line}.
import os, signal, sys, threading
from crmreport.cli import main
from crmreport.produce import publish

HERE = publish.swap_in.__code__

def look(frame, event, _):
    if event == "line" and frame.f_lineno - HERE.co_firstlineno == {line} and os.getpid() == DRIVER:
        os.kill(DRIVER, signal.SIGKILL)
    return look

if __name__ == "__main__":
    DRIVER = os.getpid()
    threading.settrace(lambda frame, *_: look if frame.f_code is HERE else None)
    sys.exit(main())
"""


def line_of(text: str) -> int:
    """Lines from the head of swap_in to the first that holds the text."""
    lines = inspect.getsource(publish.swap_in).splitlines()
    return next(i for i, line in enumerate(lines) if text in line)


@pytest.fixture(scope="module")
def factory(empty: Factory) -> Factory:
    """Two clients, each with a chapter that can be held; both reports are published."""
    for client in ("east", "west"):
        empty.add(client)
        empty.chapter(f"{client}_part", HOLD)
    empty.assert_repaired("east", "west")
    return empty


def test_a_killed_kernel_costs_its_chapter_only(factory: Factory) -> None:
    before = factory.published("east")
    for client in ("east", "west"):
        factory.orders(client, "c3,o4,2026-10-03,4000")
    factory.hold("east")
    command = factory.start("run", "--period", PERIOD, "--client", "east", "--client", "west", "--json")
    os.kill(factory.begun("east"), signal.SIGKILL)
    ended = command.end()

    assert ended.code == 4
    assert len(ended.errors) == 1
    said = one_line(ended.err)
    assert said.startswith("error: east 2026-10: 1 of 2 chapters failed, first east_part: cell 'code-0': ")
    assert "killed" in said
    assert "run again" in said
    assert ended.reports["west"]["unchanged"] is False
    assert factory.published("west")

    assert factory.published("east") == before
    assert factory.attempt("east").status == "partial"
    partial = factory.partial("east")
    cells = nbformat.read(partial / "notebooks" / "east_part.ipynb", as_version=4).cells
    assert [c.metadata.papermill.status for c in cells][-2:] == ["failed", "not run"]
    factory.assert_nobody_left()

    factory.let_go("east")
    factory.assert_repaired("east", "west")
    assert factory.published("east") != before


def test_nobody_outlives_a_killed_runner_and_the_next_run_goes_on(factory: Factory) -> None:
    before = {client: factory.published(client) for client in ("east", "west")}
    for client in before:
        factory.orders(client, "c3,o5,2026-10-04,4000")
        factory.hold(client)
    command = factory.start("run", "--period", PERIOD, "--client", "east", "--client", "west", "--jobs", "2")
    kernels = {factory.begun(client) for client in before}
    assert kernels <= {process.pid for process in factory.processes()}
    command.signal(signal.SIGKILL)
    command.end()

    factory.assert_nobody_left()
    assert {client: factory.published(client) for client in before} == before
    for client in before:
        factory.let_go(client)
    factory.assert_repaired(*before)
    assert all(factory.published(client) != before[client] for client in before)


@pytest.mark.parametrize(
    ("line", "renewed"),
    [
        pytest.param("if not folder.exists()", False, id="before the new report is in place"),
        pytest.param("stamps.remember", True, id="after it is"),
    ],
)
def test_killed_while_it_publishes(factory: Factory, line: str, renewed: bool) -> None:
    before = factory.published("east")
    assert before
    factory.orders("east", f"c3,o-{line_of(line)},2026-10-05,4000")
    script = factory.root / "killed.py"
    script.write_text(KILLED.format(line=line_of(line)), encoding="utf-8")
    words = ("run", "--period", PERIOD, "--client", "east", "--json")
    ended = factory.start(*words, program=[str(script)]).end()

    assert ended.code == -signal.SIGKILL
    factory.assert_nobody_left()
    after = factory.published("east")
    assert after
    assert (after != before) is renewed
    factory.assert_repaired("east")
    assert factory.published("east") != before
