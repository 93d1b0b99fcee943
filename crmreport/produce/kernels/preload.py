"""What the fork server imports, once, before the first fork.

Nothing here may start a thread or open a DuckDB, Arrow or Polars object: neither survives a fork.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import os
import time
import warnings

from crmreport.produce.kernels.family import adopt, kill_descendants

MODULES = (
    # what a chapter, or an analyst's own notebook, begins with
    "pandas",
    "narwhals",
    "pyarrow.parquet",
    "duckdb",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "seaborn",
    "scipy.stats",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "IPython.core.debugger",
    "crmreport.report",
    "crmreport.present",
    # what HTML, PDF and workbooks are made with
    "nbformat",
    "nbconvert",
    "xlsxwriter",
    "crmreport.produce.binding.html",
    "crmreport.produce.binding.bind",
    "crmreport.produce.binding.tables",
    "weasyprint",
)

MARK = "CRMREPORT_FORK_SERVER"
"""Set for the fork server alone: whoever else imports this module gets names and no effects."""

MISSING: dict[str, str] = {}
"""Module → why it could not be imported. multiprocessing would hide it; a fork that needs the
module imports it again and fails with the reason."""


BEGAN_AT = 0.0
"""When the fork server began to import, seconds since 1970."""


def _load() -> None:
    for name in MODULES:
        try:
            importlib.import_module(name)
        except Exception as error:
            MISSING[name] = f"{type(error).__name__}: {error}"


def _read_labels() -> None:
    from ruamel.yaml.error import YAMLError

    from crmreport.present.words import LANGUAGES, labels

    # A label file that cannot be read must not end the server: who needs it reads it again, and fails
    # with the reason. A day that is none is a ValueError, as is text that is not UTF-8.
    with contextlib.suppress(YAMLError, OSError, ValueError):
        for lang in LANGUAGES:
            labels(lang)


def _draw_once() -> None:
    # Fonts are looked up, and matplotlib's late imports made, for every fork to come.
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from crmreport.present.style import rc

    with mpl.rc_context(rc()):
        figure = Figure(figsize=(1, 1), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        axes.set_title("顧客")
        axes.plot([0, 1])
        for form in ("png", "svg"):
            figure.savefig(io.BytesIO(), format=form)


def _check_once() -> None:
    # Compiles the schema of notebooks.
    import nbformat

    nbformat.validate(nbformat.v4.new_notebook())


def _print_once() -> None:
    import weasyprint

    weasyprint.HTML(string="<p>顧客</p>").write_pdf()


def _leave(server: int) -> None:
    if os.getpid() == server:
        # The driver is gone: so is, soon, every fork of it. What those began has come to the server.
        kill_descendants(server)
        # What was frozen is never collected, and DuckDB would print pages about that on the way out.
        os._exit(0)


if os.environ.pop(MARK, None):
    BEGAN_AT = time.time()
    adopt()
    # Whom it has adopted multiprocessing does not know, and would say so when one of them ends.
    warnings.filterwarnings("ignore", message="forkserver: waitpid")
    _load()
    _read_labels()
    _draw_once()
    _check_once()
    if "weasyprint" not in MISSING:
        _print_once()
    # Shared memory stays shared: the collector of a fork leaves alone what was there before it.
    gc.collect()
    gc.freeze()
    atexit.register(_leave, os.getpid())
