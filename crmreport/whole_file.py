"""A file is the one before or the whole new one, whoever reads it and however its writer ends."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, content: str | bytes, *, private: bool = False, lasting: bool = False) -> None:
    """Write a file in one step: a draft beside it takes its place.

    Two may write the same file at once, from one process or from two: each has a draft of its own, and
    the last one stands.

    Args:
        path: In a folder that is there.
        content: Text is written as UTF-8, line ends as they are.
        private: Nobody but its owner may read it.
        lasting: It is on the disk when this returns, also if the machine loses power.

    Raises:
        OSError: It cannot be written; the file before it stays, and no draft.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        draft.touch(mode=0o600 if private else 0o666, exist_ok=False)
        with draft.open("wb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
