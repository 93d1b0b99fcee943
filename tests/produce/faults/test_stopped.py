"""Ctrl-C and SIGTERM: the run ends at once, says so in one line, and leaves nothing half-done."""

from __future__ import annotations

import os
import signal

import pytest

from tests.produce.faults.factory import HOLD, PERIOD, Factory, until

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")]

WORDS = ("run", "--period", PERIOD, "--client", "east", "--client", "west", "--jobs", "2", "--json")


@pytest.fixture(scope="module")
def factory(empty: Factory) -> Factory:
    """Two clients whose reports are published, new data, and chapters that stop in their middle."""
    for client in ("east", "west"):
        empty.add(client)
        empty.chapter(f"{client}_part", HOLD)
    empty.assert_repaired("east", "west")
    for client in ("east", "west"):
        empty.orders(client, "c3,o4,2026-10-03,4000")
    return empty


@pytest.mark.parametrize(
    ("signum", "group", "said"),
    [
        pytest.param(signal.SIGINT, True, "stopped", id="Ctrl-C, as a terminal sends it"),
        pytest.param(signal.SIGINT, False, "stopped", id="SIGINT"),
        pytest.param(signal.SIGTERM, False, "stopped by SIGTERM", id="SIGTERM"),
        pytest.param(signal.SIGTERM, True, "stopped by SIGTERM", id="SIGTERM, to all of the group"),
    ],
)
def test_stopped_in_the_middle_of_chapters(factory: Factory, signum: int, group: bool, said: str) -> None:
    before = {client: factory.published(client) for client in ("east", "west")}
    for client in before:
        factory.hold(client)
    command = factory.start(*WORDS)
    for client in before:
        factory.begun(client)
    command.signal(signum, group=group)
    # Two chapters that would go on for ever: that it ends at all shows that they were ended.
    ended = command.end(30)

    assert ended.code == 130
    assert ended.err == f"{said}\n"
    assert ended.document == {"error": {"kind": "Stopped", "message": said, "exit_code": 130}}
    factory.assert_nobody_left()
    assert factory.staged() == []
    assert {client: factory.published(client) for client in before} == before
    assert {factory.attempt(client).status for client in before} == {"stopped"}


def test_stopped_while_the_fork_server_imports_and_made_by_the_next_run(factory: Factory) -> None:
    before = {client: factory.published(client) for client in ("east", "west")}
    command = factory.start(*WORDS)
    until(lambda: len(factory.processes()) > 1, "the fork server starts")
    command.signal(signal.SIGINT, group=True)
    ended = command.end(30)

    assert (ended.code, ended.err) == (130, "stopped\n")
    factory.assert_nobody_left()
    assert factory.staged() == []
    for client in before:
        factory.let_go(client)
    factory.assert_repaired(*before)
    assert all(factory.published(client) != before[client] for client in before)
