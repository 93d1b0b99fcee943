"""A file is the one before or the whole new one."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from crmreport.whole_file import write_whole


@pytest.mark.parametrize(
    ("content", "bytes_"),
    [
        pytest.param("売上\n", "売上\n".encode(), id="text is UTF-8, line ends as they are"),
        pytest.param(b"\r\n\xff", b"\r\n\xff", id="bytes as they are"),
    ],
)
def test_what_is_written(tmp_path: Path, content, bytes_) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    write_whole(path, content)
    assert path.read_bytes() == bytes_
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="rights as numbers")
@pytest.mark.parametrize(("private", "mode"), [(True, 0o600), (False, 0o644)])
def test_who_may_read_it(tmp_path: Path, private: bool, mode: int) -> None:
    before = os.umask(0o022)
    try:
        write_whole(tmp_path / "a.json", "x", private=private)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == mode


def test_what_cannot_be_written_leaves_the_file_before_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "\udcff")
    folder = tmp_path / "b"
    folder.mkdir()
    with pytest.raises(OSError):
        write_whole(folder, "x")
    assert path.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == [path, folder]


def test_many_at_once_never_mix(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    texts = [str(n) * 200_000 for n in range(8)]
    writers = [threading.Thread(target=write_whole, args=(path, text)) for text in texts]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert path.read_text() in texts
    assert list(tmp_path.iterdir()) == [path]
