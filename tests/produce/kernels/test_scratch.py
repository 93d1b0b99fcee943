"""The folder for sockets: one per run, gone with it however it ends."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmreport.produce.kernels.scratch import Scratch

KILLED = """
import os, signal, sys
from pathlib import Path
from crmreport.produce.kernels.scratch import Scratch
made = Scratch(Path(sys.argv[1]))
(made.folder / "ipython").mkdir()
os.kill(os.getpid(), signal.SIGKILL)
"""
"""A run that makes its folder and is killed."""


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder with a name short enough for sockets; a test's own is not, in a worker of several."""
    with tempfile.TemporaryDirectory(prefix="t-") as made:
        yield Path(made)


def folders(home: Path) -> list[Path]:
    return sorted(home.iterdir())


def test_what_a_killed_run_left_is_gone_with_the_next(home: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(home)], check=False)
    (left,) = folders(home)
    assert (left / "ipython").is_dir()
    made = Scratch(home)
    assert folders(home) == [made.folder]
    made.close()
    assert folders(home) == []


def test_the_folder_of_a_run_that_goes_on_stays(home: Path) -> None:
    first, second = Scratch(home), Scratch(home)
    assert folders(home) == sorted([first.folder, second.folder])
    first.close()
    assert folders(home) == [second.folder]
    second.close()


def test_it_is_held_for_the_run_whichever_thread_made_it(home: Path) -> None:
    made: list[Scratch] = []
    maker = threading.Thread(target=lambda: made.append(Scratch(home)))
    maker.start()
    maker.join()
    other = Scratch(home)
    assert made[0].folder.is_dir()
    for scratch in (*made, other):
        scratch.close()
    assert folders(home) == []


def test_what_only_looks_like_one_stays(home: Path) -> None:
    (home / "crm-notes").mkdir()
    (home / "elsewhere").mkdir()
    (home / "elsewhere" / "owner.lock").touch()
    (home / "crm-link").symlink_to(home / "elsewhere")
    before = folders(home)
    Scratch(home).close()
    assert folders(home) == before
    assert (home / "elsewhere" / "owner.lock").is_file()


def test_a_socket_fits_whatever_the_home_is_called(tmp_path: Path) -> None:
    if not Path("/tmp").is_dir():
        pytest.skip("this system has no shorter folder")
    made = Scratch(tmp_path / ("a" * 90))
    assert made.folder.parent == Path("/tmp")
    made.close()
