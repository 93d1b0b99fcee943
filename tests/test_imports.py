"""What an analyst types: names are there, and importing the package is quick."""

from __future__ import annotations

import subprocess
import sys

import crmreport


def test_every_public_name_can_be_had():
    for name in crmreport.__all__:
        assert getattr(crmreport, name).__doc__, name


def test_public_names_are_sorted_and_complete():
    assert crmreport.__all__ == sorted(crmreport.__all__)
    assert {"open_report", "CrmReportError"} <= set(crmreport.__all__)
    assert set(crmreport.__all__) <= set(dir(crmreport))


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, crmreport; print([m for m in ('pandas', 'duckdb', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_whether_reports_are_still_as_they_were_is_told_without_what_makes_them():
    # Their imports take as long as looking at a hundred clients.
    heavy = ("pandas", "polars", "duckdb", "pyarrow", "matplotlib", "nbformat", "sqlalchemy")
    code = (
        "import sys, crmreport.cli.run, crmreport.produce.batch; "
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
