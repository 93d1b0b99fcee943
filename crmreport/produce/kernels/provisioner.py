"""Kernels from the fork server, for jupyter_client: papermill's in a run, JupyterLab's for an analyst."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from crmreport.produce.kernels.kernel import serve
from crmreport.produce.kernels.server import Forked

NAME = "crmreport-fork"
"""Its entry point, as kernel.json names it."""


class ForkProvisioner(LocalProvisioner):
    """Forks a kernel where :class:`LocalProvisioner` would start an interpreter; all else is the same."""

    process: Any = None
    pid: int | None = None
    pgid: int | None = None
    _forked: Forked | None = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork one; of ``cmd`` it takes what follows the connection file, as the interpreter would."""
        folder = str(kwargs.get("cwd") or Path.cwd())
        environment = dict(kwargs.get("env") or os.environ)
        manager: Any = self.parent
        # As jupyter_client writes it into the command.
        file = os.path.realpath(manager.connection_file)
        arguments = cmd[cmd.index(file) + 1 :]
        self.process = self._forked = Forked(serve, file, environment, folder, arguments)
        self.pid = self.pgid = self.process.pid
        self.cwd = folder
        return self.connection_info

    async def cleanup(self, restart: bool = False) -> None:
        """Remove what the kernel left of temporary files; then as usual."""
        if self._forked is not None:
            self._forked.tidy()
        await super().cleanup(restart)
