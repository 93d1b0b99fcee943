"""What runs in a forked kernel."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence

from crmreport.present.words import forget_labels
from crmreport.produce.kernels import preload
from crmreport.produce.kernels.server import use_temporary


def serve(
    connection_file: str, environment: dict[str, str], folder: str, arguments: Sequence[str] = ()
) -> None:
    """Be an IPython kernel until told to stop.

    Args:
        arguments: What else stands on a kernel's command line.
    """
    # What a cell prints reaches the notebook; ipykernel's second copy of it has no place to go.
    os.dup2(1, 2)
    temporary = tempfile.gettempdir()
    os.environ.clear()
    os.environ.update(environment)
    use_temporary(temporary)
    if hasattr(time, "tzset"):
        time.tzset()
    os.chdir(folder)
    sys.argv = ["ipykernel", "-f", connection_file, *arguments]
    _use_backend()
    forget_labels(read_at=preload.BEGAN_AT)

    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance(parent_handle=os.getppid())
    app.initialize(sys.argv[1:])
    app.start()


def _use_backend() -> None:
    # matplotlib was imported before this environment was there, so it did not read it.
    import matplotlib as mpl

    chosen = os.environ.get("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    mpl.rcParams["backend"] = chosen
