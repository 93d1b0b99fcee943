"""A Jupyter server extension: the fork server is warm before an analyst opens the first chapter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crmreport.produce.kernels import server

SPECS = Path(__file__).parent / "spec"
"""For ``JUPYTER_PATH``: here JupyterLab finds its Python kernel, forked from our server."""


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(_: Any) -> None:
    server.warm()
