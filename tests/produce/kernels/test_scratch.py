"""The folder for sockets: one per run, gone with it however it ends."""

from __future__ import annotations

import subprocess
import sys
import threading
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


def folders(home: Path) -> list[Path]:
    return sorted(home.iterdir())


def test_what_a_killed_run_left_is_gone_with_the_next(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    (left,) = folders(tmp_path)
    assert (left / "ipython").is_dir()
    made = Scratch(tmp_path)
    assert folders(tmp_path) == [made.folder]
    made.close()
    assert folders(tmp_path) == []


def test_the_folder_of_a_run_that_goes_on_stays(tmp_path: Path) -> None:
    first, second = Scratch(tmp_path), Scratch(tmp_path)
    assert folders(tmp_path) == sorted([first.folder, second.folder])
    first.close()
    assert folders(tmp_path) == [second.folder]
    second.close()


def test_it_is_held_for_the_run_whichever_thread_made_it(tmp_path: Path) -> None:
    made: list[Scratch] = []
    maker = threading.Thread(target=lambda: made.append(Scratch(tmp_path)))
    maker.start()
    maker.join()
    other = Scratch(tmp_path)
    assert made[0].folder.is_dir()
    for scratch in (*made, other):
        scratch.close()
    assert folders(tmp_path) == []


def test_what_only_looks_like_one_stays(tmp_path: Path) -> None:
    (tmp_path / "crm-notes").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "owner.lock").touch()
    (tmp_path / "crm-link").symlink_to(tmp_path / "elsewhere")
    before = folders(tmp_path)
    Scratch(tmp_path).close()
    assert folders(tmp_path) == before
    assert (tmp_path / "elsewhere" / "owner.lock").is_file()


def test_a_socket_fits_whatever_the_home_is_called(tmp_path: Path) -> None:
    if not Path("/tmp").is_dir():
        pytest.skip("this system has no shorter folder")
    made = Scratch(tmp_path / ("a" * 90))
    assert made.folder.parent == Path("/tmp")
    made.close()
