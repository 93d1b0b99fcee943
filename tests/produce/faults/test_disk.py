"""No room on the disk, and a disk nobody may write on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.produce.faults.factory import Factory, one_line

pytestmark = pytest.mark.slow

_SIZE = 16 * 1024**2


@pytest.fixture(scope="module")
def disk(empty: Factory) -> Iterator[Factory]:
    """A client whose report is published on a small disk of its own, and new data of it."""
    mounted = empty.root / "reports"
    mounted.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(mounted)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a disk of one's own takes the right to mount one")
    try:
        empty.add("east")
        empty.assert_repaired("east")
        empty.orders("east", "c3,o4,2026-10-03,4000")
        yield empty
    finally:
        empty.close()
        subprocess.run(["umount", "--lazy", str(mounted)], check=True)


def _fill(disk: Path, *, leave: int) -> Path:
    """Take all room of a disk but so many bytes."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        file.write(bytes(shutil.disk_usage(disk).free - leave))
    return ballast


@pytest.mark.parametrize(
    ("room", "where"),
    [
        pytest.param(0, "see to the disk of", id="none at all"),
        pytest.param(72 * 1024, "error: the book (en): ", id="enough for the chapters, not for the book"),
    ],
)
def test_full_disk(disk: Factory, room: int, where: str) -> None:
    before = disk.published("east")
    ballast = _fill(disk.root / "reports", leave=room)
    try:
        ended = disk.run("--client", "east")
    finally:
        ballast.unlink()
    assert ended.code == 4
    said = one_line(ended.err)
    assert where in said
    assert "No space left on device" in said
    assert "run again" in said
    assert disk.published("east") == before
    assert disk.staged() == []
    disk.assert_nobody_left()


def test_read_only_disk_and_the_next_run(disk: Factory) -> None:
    before = disk.published("east")
    mounted = str(disk.root / "reports")
    subprocess.run(["mount", "-o", "remount,ro", mounted], check=True)
    try:
        ended = disk.run("--client", "east")
    finally:
        subprocess.run(["mount", "-o", "remount,rw", mounted], check=True)
    assert ended.code == 4
    said = one_line(ended.err)
    assert "Read-only file system" in said
    assert "run again" in said
    assert disk.published("east") == before

    disk.assert_repaired("east")
    assert disk.published("east") != before
