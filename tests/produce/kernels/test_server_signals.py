"""Ctrl-C reaches the fork server too; only the driver answers it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
from multiprocessing import forkserver
from crmreport.produce.kernels import server
if __name__ == "__main__":
    server.warm()
    status = open(f"/proc/{forkserver._forkserver._forkserver_pid}/status").read()
    print(next(line.split()[1] for line in status.splitlines() if line.startswith("SigBlk")))
    server.stop()
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="signal masks are read from /proc")
def test_a_fork_server_is_deaf_to_ctrl_c_from_its_first_instruction() -> None:
    # In a process of its own, where the resource tracker does not run yet.
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert int(done.stdout, 16) & 1 << (signal.SIGINT - 1), done.stderr
