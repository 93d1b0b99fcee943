"""Into place whole or not at all, wherever a run is cut off."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crmreport.produce import publish
from crmreport.produce.exchange import exchange
from crmreport.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
NEW, OLD = "new", "old"

CUT_OFF = """
# Put the staged report in place, and be killed before the n-th line of publish.py that is run on the way.
import os, signal, sys
from pathlib import Path
from crmreport.produce import publish
from crmreport.workspace import Workspace

home, left, way = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if way == "two steps":
    publish.exchange = lambda *_: False

def look(frame, event, _):
    global left
    if frame.f_code.co_filename != publish.__file__:
        return None
    if event == "line":
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
    return look

reports = Workspace(home).reports
sys.settrace(look)
publish.swap_in(Workspace(home), reports / ".staging" / "shop+2026-10+1", reports / "shop" / "2026-10")
sys.settrace(None)
"""


def _folder(path: Path, said: str) -> Path:
    (path / "tables").mkdir(parents=True)
    for name in ("index.html", "tables/a.csv"):
        (path / name).write_text(said, encoding="utf-8")
    return path


def _said(folder: Path) -> set[str]:
    return {p.read_text(encoding="utf-8") for p in folder.rglob("*") if p.is_file()}


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize(
    ("way", "always_there"),
    [
        pytest.param("exchange", sys.platform == "linux", id="folders that change places"),
        pytest.param("two steps", False, id="folders that cannot"),
    ],
)
def test_cut_off_at_any_line_a_whole_report_stays(tmp_path: Path, way: str, always_there: bool) -> None:
    line, code, seen = 0, -signal.SIGKILL, []
    while code == -signal.SIGKILL:
        line += 1
        home = tmp_path / str(line)
        reports = home / "reports"
        folder = _folder(reports / "shop" / "2026-10", OLD)
        _folder(reports / ".staging" / "shop+2026-10+1", NEW)
        done = subprocess.run(
            [sys.executable, "-c", CUT_OFF, str(home), str(line), way],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        code = done.returncode
        assert code in (0, -signal.SIGKILL), done.stderr
        if always_there:
            assert folder.is_dir()
        publish.recover(Workspace(home), folder)
        assert len(_said(folder)) == 1
        assert list(folder.rglob("*.csv"))
        assert list((reports / ".staging").iterdir()) == []
        seen.append(*_said(folder))
    assert line > 3
    assert seen[0] == OLD
    assert seen[-1] == NEW
    assert seen == sorted(seen, reverse=True)


def test_a_first_report_is_put_in_place(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    stage = _folder(reports / ".staging" / "shop+2026-10+1", NEW)
    publish.swap_in(Workspace(tmp_path), stage, reports / "shop" / "2026-10")
    assert _said(reports / "shop" / "2026-10") == {NEW}
    assert not stage.exists()


def test_the_old_report_goes_back_when_the_new_one_cannot_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "exchange", lambda *_: False)
    folder = _folder(tmp_path / "reports" / "shop" / "2026-10", OLD)
    (tmp_path / "reports" / ".staging").mkdir()
    with pytest.raises(FileNotFoundError):
        publish.swap_in(Workspace(tmp_path), tmp_path / "reports" / ".staging" / "gone", folder)
    assert _said(folder) == {OLD}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can")
def test_folders_change_places(tmp_path: Path) -> None:
    one, other = _folder(tmp_path / "one", NEW), _folder(tmp_path / "other", OLD)
    assert exchange(one, other)
    assert (_said(one), _said(other)) == ({OLD}, {NEW})
    with pytest.raises(FileNotFoundError):
        exchange(one, tmp_path / "nobody")
