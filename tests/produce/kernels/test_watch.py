"""Processes held to their limits, and what is known of how they ended."""

from __future__ import annotations

import os
from time import monotonic
from typing import Any

import pytest

from crmreport.produce.kernels.watch import Watch
from tests.produce.faults.factory import until


class Lingering:
    """A process that takes its time to die, as one does on a busy machine."""

    pid = os.getpid()

    def __init__(self) -> None:
        self.killed = 0

    def kill(self) -> None:
        self.killed += 1


@pytest.mark.parametrize(
    ("memory", "seconds", "out_of_time"),
    [
        pytest.param(1024**4, -1.0, True, id="its time was over"),
        pytest.param(1, 600.0, False, id="it held too much"),
    ],
)
def test_why_a_process_was_ended_stands_while_it_dies(memory: int, seconds: float, out_of_time: bool) -> None:
    process: Any = Lingering()
    watch = Watch(memory=memory)
    watched = watch.begin(process, deadline=monotonic() + seconds)
    until(lambda: process.killed > 2, "a third look at it", 60)
    watch.stop("stopped")
    watch.close()
    assert watched.out_of_time is out_of_time
    assert ("time was over" in watched.ended) is out_of_time
    assert ("of memory" in watched.ended) is not out_of_time
