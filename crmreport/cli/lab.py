"""``crmreport lab``: the chapters in JupyterLab."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from crmreport.cli.options import DryRun
from crmreport.cli.output import note, say
from crmreport.errors import ConfigError
from crmreport.workspace import HOME_VARIABLE, Workspace


def lab(
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
    port: Annotated[int | None, typer.Option(min=1024, max=65535, help="Port to serve on.")] = None,
    dry_run: DryRun = False,
) -> None:
    """Open the chapters in JupyterLab.

    They run as they are, in kernels that are ready at once. Try another client, period or
    parameter in the first cell. Text and cells saved here are what the next report runs. A
    parameter meant for a client's report goes to reports.REPORT.parameters.CHAPTER in client.yml;
    in the saved first cell it keeps its default.

    \b
    Example:
      crmreport lab
      crmreport lab --no-browser --port 8890
    """
    if find_spec("jupyterlab") is None:
        raise ConfigError(
            "JupyterLab is not installed, since reports do not need it; "
            "install it with: make setup-dev, or: pip install 'crmreport[lab]'"
        )
    workspace = Workspace.find()
    command = [sys.executable, "-m", "jupyterlab", f"--notebook-dir={workspace.notebooks}"]
    command += [] if browser else ["--no-browser"]
    command += [f"--port={port}"] if port else []
    # In a container one is root; Jupyter then refuses to start, though it serves this machine only.
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    environment = {**os.environ, HOME_VARIABLE: str(workspace.root)}
    if os.name == "posix":
        # The kernel named python3 is forked from a process that has pandas and matplotlib ready.
        from crmreport.produce.kernels import lab as extension

        command.append(f"--ServerApp.jpserver_extensions={extension.__name__}=True")
        paths = [str(extension.SPECS), *filter(None, [os.environ.get("JUPYTER_PATH")])]
        environment["JUPYTER_PATH"] = os.pathsep.join(paths)
    if dry_run:
        say(f"{HOME_VARIABLE}={workspace.root} {' '.join(command)}")
        return
    note(f"notebooks in {workspace.notebooks}; stop with Ctrl-C")
    if os.name == "posix":
        # JupyterLab takes this process's place, so that Ctrl-C and its question reach it alone.
        os.execve(sys.executable, command, environment)
    if code := subprocess.run(command, env=environment, check=False).returncode:
        raise typer.Exit(code)
