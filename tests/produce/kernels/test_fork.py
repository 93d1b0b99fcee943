"""Processes from the fork server: ready, fresh, and gone with their driver."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from crmreport.errors import DataError, RunError, StoppedError
from crmreport.produce import Limits
from crmreport.produce.kernels.lab import SPECS
from crmreport.produce.kernels.workshop import Workshop
from tests.produce.faults.factory import until

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
linux = pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux alone")


# Functions that run in forks: importable by name.


def what_is_there() -> dict[str, Any]:
    import numpy as np

    from crmreport.produce.kernels import preload

    return {
        "missing": dict(preload.MISSING),
        "loaded": {name for name in preload.MODULES if name in sys.modules},
        "wanted": set(preload.MODULES),
        "drawn": float(np.random.rand()),
        "pid": os.getpid(),
        "group": os.getpgrp(),
        "seed": os.environ.get("PYTHONHASHSEED"),
    }


def leave_a_mark() -> None:
    import pandas as pd

    pd.set_option("display.precision", 3)
    os.environ["LEFT"] = "behind"
    os.chdir("/")


def look_for_marks() -> tuple[object, str | None, str]:
    import pandas as pd

    return pd.get_option("display.precision"), os.environ.get("LEFT"), str(Path.cwd())


def refuse() -> None:
    raise DataError("orders.csv: no such column; name another")


def stumble() -> None:
    raise KeyError("odd")


def fill_the_disk() -> None:
    raise OSError(28, "No space left on device", "reports/x.pdf")


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def wait_forever() -> None:
    time.sleep(600)


ASTRAY = """
import subprocess
print(subprocess.Popen(["sleep", "600"], start_new_session=True, stdout=subprocess.DEVNULL).pid)
"""
"""A helper in a session of its own, whose parent is gone as soon as it is there: a daemon."""


def send_astray() -> int:
    done = subprocess.run([sys.executable, "-c", ASTRAY], stdout=subprocess.PIPE, text=True, check=True)
    return int(done.stdout)


def send_astray_and_wait(file: str) -> None:
    Path(f"{file}.draft").write_text(str(send_astray()), encoding="utf-8")
    Path(f"{file}.draft").rename(file)
    time.sleep(600)


def eat_astray() -> None:
    code = "import os, time; os.fork() and os._exit(0); os.setsid(); x = bytes(9) * 10**8; time.sleep(600)"
    subprocess.run([sys.executable, "-c", code], check=True)
    time.sleep(60)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def eat() -> None:
    held = []
    while True:
        held.append(bytearray(32 * 1024**2))


@pytest.fixture(scope="module")
def workshop():
    with Workshop(Limits(jobs=2)) as shop:
        yield shop


def test_imports_are_done_before_the_fork(workshop: Workshop) -> None:
    there = workshop.call_until(None, "a look", what_is_there)
    assert there["missing"] == {}
    assert there["loaded"] == there["wanted"]
    assert there["seed"] == "0"


def test_the_list_of_imports_does_nothing_to_a_process_that_reads_it() -> None:
    code = "import sys, crmreport.produce.kernels.preload; sys.exit(1 if 'pandas' in sys.modules else 3)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 3


def test_every_fork_is_a_process_of_its_own_and_draws_its_own_numbers(workshop: Workshop) -> None:
    first, second = (workshop.call_until(None, "a look", what_is_there) for _ in range(2))
    assert first["pid"] != second["pid"]
    assert first["group"] == first["pid"]
    assert first["drawn"] != second["drawn"]


def test_nothing_is_left_behind_for_the_next(workshop: Workshop) -> None:
    before = workshop.call_until(None, "a look", look_for_marks)
    workshop.call_until(None, "a mark", leave_a_mark)
    assert workshop.call_until(None, "a look", look_for_marks) == before


@pytest.mark.parametrize(
    ("function", "kind", "match"),
    [
        pytest.param(refuse, DataError, "no such column; name another", id="an error of ours keeps its kind"),
        pytest.param(stumble, RuntimeError, "KeyError: 'odd'", id="another error keeps its words"),
        pytest.param(fill_the_disk, RunError, "No space left on device.*see to the disk", id="disk full"),
        pytest.param(be_killed, RunError, "the work: its process was killed from outside", id="killed"),
    ],
)
def test_what_goes_wrong_in_a_fork(workshop: Workshop, function, kind, match) -> None:
    with pytest.raises(kind, match=match):
        workshop.call_until(None, "the work", function)


def test_time_is_limited() -> None:
    with Workshop(Limits(timeout=0.5)) as shop, pytest.raises(RunError, match="took longer than it may"):
        shop.call_until(shop.deadline(), "the work", wait_forever)


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(eat, id="its own"),
        pytest.param(eat_astray, marks=linux, id="that of a helper whose parent is gone"),
    ],
)
def test_memory_is_limited(function) -> None:
    with Workshop(Limits(memory=900 * 1024**2)) as shop, pytest.raises(RunError, match="GB of memory"):
        shop.call_until(None, "the work", function)


@linux
def test_what_a_killed_process_began_ends_with_it(tmp_path: Path) -> None:
    import threading

    file = tmp_path / "astray"
    with Workshop(Limits(jobs=1)) as shop:
        held = threading.Thread(target=_stopped, args=(shop, str(file)))
        held.start()
        until(file.exists, "the helper to be there", 60)
        astray = int(file.read_text(encoding="utf-8"))
        assert not gone(astray)
        shop.stop()
        held.join()
    until(lambda: gone(astray), "the helper to be gone", 30)


def _stopped(shop: Workshop, file: str) -> None:
    with pytest.raises(StoppedError):
        shop.call_until(None, "the work", send_astray_and_wait, file)


def test_stopping_ends_what_runs_and_what_would_begin() -> None:
    import threading

    with Workshop(Limits(jobs=1)) as shop:
        threading.Timer(1.0, shop.stop).start()
        with pytest.raises(StoppedError):
            shop.call_until(None, "the work", wait_forever)
        with pytest.raises(StoppedError):
            shop.call_until(None, "the work", what_is_there)


def test_what_lies_in_the_working_folder_is_not_taken_for_a_package(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "narwhals.py").write_text("raise SystemExit('not this one')", encoding="utf-8")
    script = tmp_path / "look.py"
    script.write_text(
        "from crmreport.produce import Limits\n"
        "from crmreport.produce.kernels.workshop import Workshop\n"
        "from tests.produce.kernels.test_fork import what_is_there\n"
        "with Workshop(Limits()) as shop:\n"
        "    print(shop.call_until(None, 'a look', what_is_there)['missing'])\n",
        encoding="utf-8",
    )
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path / "here", env=environment, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("{}\n", "")


DRIVER = """
import sys, threading, time
from crmreport.produce import Limits
from crmreport.produce.kernels.workshop import Workshop
from tests.produce.kernels.test_fork import wait_forever
if __name__ == "__main__":
    with Workshop(Limits(jobs=2)) as shop:
        for _ in range(2):
            threading.Thread(target=shop.call_until, args=(None, "w", wait_forever), daemon=True).start()
        while len(shop.watch._watched) < 2:
            time.sleep(0.05)
        print(*[w.process.pid for w in shop.watch._watched], flush=True)
        time.sleep(600)
"""


def test_nobody_outlives_a_driver_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "driver.py"
    script.write_text(DRIVER, encoding="utf-8")
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    driver = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert driver.stdout is not None
    forks = [int(pid) for pid in driver.stdout.readline().split()]
    assert len(forks) == 2
    family = {p.pid for p in psutil.Process(driver.pid).children(recursive=True)}
    assert family >= set(forks)
    driver.kill()
    driver.wait()
    driver.stdout.close()
    until(lambda: all(gone(pid) for pid in family), "every fork to be gone", 30)


ASTRAY_DRIVER = """
import sys, time
from crmreport.produce import Limits
from crmreport.produce.kernels.workshop import Workshop
from tests.produce.kernels.test_fork import send_astray, send_astray_and_wait
if __name__ == "__main__":
    with Workshop(Limits(jobs=2)) as shop:
        print(shop.call_until(None, "w", send_astray), flush=True)
        if sys.argv[2] == "ends":
            sys.exit()
        shop.call_until(None, "w", send_astray_and_wait, sys.argv[1])
"""


@linux
@pytest.mark.parametrize("how", ["ends", "is killed"])
def test_no_daemon_of_a_fork_outlives_the_driver(tmp_path: Path, how: str) -> None:
    script, file = tmp_path / "driver.py", tmp_path / "astray"
    script.write_text(ASTRAY_DRIVER, encoding="utf-8")
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    driver = subprocess.Popen(
        [sys.executable, script, file, how],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert driver.stdout is not None
    astray = [int(driver.stdout.readline())]
    if how == "is killed":
        until(file.exists, "the second helper to be there", 60)
        astray.append(int(file.read_text(encoding="utf-8")))
        assert not gone(astray[1])
        driver.kill()
    assert driver.communicate(timeout=60)[1] == ""
    until(lambda: all(gone(pid) for pid in astray), "every helper to be gone", 30)


# The kernel as JupyterLab gets it.


@pytest.mark.parametrize(
    ("arguments", "enabled"),
    [
        pytest.param([], "True", id="none"),
        pytest.param(["--HistoryManager.enabled=False"], "False", id="no history"),
    ],
)
def test_a_forked_kernel_heeds_its_command_line(arguments: list[str], enabled: str) -> None:
    specs = KernelSpecManager(kernel_dirs=[str(SPECS / "kernels")], ensure_native_kernel=False)
    made = KernelManager(kernel_name="python3", kernel_spec_manager=specs)
    made.start_kernel(extra_arguments=arguments)
    try:
        client = made.client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        assert reply_to(client, "", "get_ipython().history_manager.enabled") == enabled
        client.stop_channels()
    finally:
        made.shutdown_kernel(now=True)


@pytest.fixture
def manager():
    specs = KernelSpecManager(kernel_dirs=[str(SPECS / "kernels")], ensure_native_kernel=False)
    made = KernelManager(kernel_name="python3", kernel_spec_manager=specs)
    made.start_kernel()
    try:
        yield made
    finally:
        made.shutdown_kernel(now=True)


def reply_to(client: Any, code: str, ask: str = "None") -> Any:
    """Run a cell: what ``ask`` is afterwards, or the name of the error.

    Asked through the shell channel: what a kernel publishes before its listeners are there is lost.
    """
    reply = client.execute(code, user_expressions={"asked": ask}, reply=True, timeout=60)
    content = reply["content"]
    if content["status"] == "error":
        return content["ename"]
    return content["user_expressions"]["asked"]["data"]["text/plain"]


def test_an_analysts_kernel_is_ready_interrupts_restarts_and_ends(
    manager: KernelManager, tmp_path: Path
) -> None:
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    assert reply_to(client, "import sys", "'seaborn' in sys.modules") == "True"
    assert "inline" in reply_to(client, "import matplotlib.pyplot as plt", "plt.get_backend()")
    first = int(reply_to(client, "import os; kept = 1", "os.getpid()"))

    begun = tmp_path / "begun"
    sent = client.execute(f"import time; open({str(begun)!r}, 'w').close(); time.sleep(600)")
    until(begun.exists, "the cell to begin", 60)
    manager.interrupt_kernel()
    reply = client.get_shell_msg(timeout=60)
    assert reply["parent_header"]["msg_id"] == sent
    assert reply["content"]["ename"] == "KeyboardInterrupt"
    assert reply_to(client, "", "kept") == "1"

    manager.restart_kernel(now=True)
    client.wait_for_ready(timeout=60)
    second = int(reply_to(client, "import os", "os.getpid()"))
    assert second != first
    assert reply_to(client, "kept") == "NameError"
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    until(lambda: not psutil.pid_exists(second), "the kernel to be gone", 30)
