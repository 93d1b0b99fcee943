"""What runs in a forked kernel."""

from __future__ import annotations

import os
import sys
import time


def serve(connection_file: str, environment: dict[str, str], folder: str) -> None:
    """Be an IPython kernel until told to stop."""
    # What a cell prints reaches the notebook; ipykernel's second copy of it has no place to go.
    os.dup2(1, 2)
    os.environ.clear()
    os.environ.update(environment)
    if hasattr(time, "tzset"):
        time.tzset()
    os.chdir(folder)
    sys.argv = ["ipykernel", "-f", connection_file]
    _use_backend()

    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance(parent_handle=os.getppid())
    app.initialize(sys.argv[1:])
    app.start()


def _use_backend() -> None:
    # matplotlib was imported before this environment was there, so it did not read it.
    import matplotlib as mpl

    chosen = os.environ.get("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    mpl.rcParams["backend"] = chosen
