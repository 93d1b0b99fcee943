"""A three-arm test of 5 M customers and 4 metrics: this package, and tea-tasting where it is installed.

    python benchmarks/campaign.py                       5 M customers
    python benchmarks/campaign.py --customers 500000    a small trial

Makes seeded Parquet with DuckDB and times effects and sample ratio from it on two threads, the ways in
turns, best of several: the figures of one run are comparable. tea-tasting is no requirement of this
package; `pip install "tea-tasting" "ibis-framework[duckdb]"` into an environment of its own.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import duckdb

SHARES, MONEY = ("opened", "converted", "unsubscribed"), "revenue"


def make(path: Path, customers: int) -> None:
    """Customers of three arms with whole-yen revenue of a long tail; nobody's arm changes anything."""
    amount = "round(exp(8 + sqrt(-2 * ln(random() + 1e-12)) * cos(2 * pi() * random())))"
    with duckdb.connect() as con:
        con.execute("set threads = 1; select setseed(0.42)")
        con.execute(f"""
            copy (
                select 'c' || lpad(i::varchar, 8, '0') as customer_id,
                    ['control', 'mail', 'line'][1 + floor(random() * 3)::int] as arm,
                    (random() < 0.21)::tinyint as opened,
                    (random() < 0.03)::tinyint as converted,
                    (random() < 0.004)::tinyint as unsubscribed,
                    case when random() < 0.05 then {amount} else 0 end as revenue
                from range({customers}) t(i)
            ) to '{path}' (format parquet)""")


def ours(path: Path) -> None:
    from crmreport.analysis.campaign.effects import compare_arms
    from crmreport.analysis.campaign.metric import Metric
    from crmreport.analysis.campaign.sample_ratio import sample_ratio

    metrics = [*(Metric(name, "share") for name in SHARES), Metric(MONEY, "mean")]
    with duckdb.connect() as con:
        con.execute("set threads = 2")
        found = compare_arms(con.read_parquet(str(path)), metrics=metrics, control="control")
    sample_ratio(found.customers, planned=dict.fromkeys(found.customers, 1))


def tea_tasting(path: Path) -> None:
    import ibis  # type: ignore[import-not-found]
    import tea_tasting as tt  # type: ignore[import-not-found]

    metrics = {name: tt.Mean(name) for name in (*SHARES, MONEY)}
    con = ibis.duckdb.connect(threads=2)
    # Its sample-ratio check takes two variants only, so it is spared that.
    tt.Experiment(variant="arm", **metrics).analyze(
        con.read_parquet(path), control="control", all_variants=True
    )
    con.disconnect()


def timed(work: Callable[[Path], None], path: Path) -> float:
    began = time.perf_counter()
    work(path)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    ways = {"this package": ours}
    if find_spec("tea_tasting"):
        ways["tea-tasting"] = tea_tasting
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "customers.parquet"
        make(path, options.customers)
        for work in ways.values():
            work(path)
        seconds = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, work in ways.items():
                seconds[name].append(timed(work, path))
    for name, found in seconds.items():
        print(f"{name}: {min(found):.2f} s (best of {options.rounds})")
    if len(ways) == 2:
        print(f"ratio: {min(seconds['this package']) / min(seconds['tea-tasting']):.2f}")


if __name__ == "__main__":
    main()
