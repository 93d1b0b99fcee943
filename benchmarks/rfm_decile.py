"""RFM, deciles and the segment table of a large shop: this package, SQL by hand, plain pandas.

    python benchmarks/rfm_decile.py                     20 M lines, 2 M customers
    python benchmarks/rfm_decile.py --lines 2000000     a small trial

Makes seeded Parquet with DuckDB, then runs each way in a fresh process and prints seconds, peak
memory and the ratios. The three ways must give the same decile and segment figures.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

AS_OF, LAPSED_DAYS = date(2026, 10, 31), 180
# R×F cell → segment, as in segment_maps/standard.yml.
SEGMENT = """case when r = 5 and f >= 4 then 'champions' when r in (3, 4) and f >= 4 then 'loyal'
    when r >= 4 and f in (2, 3) then 'potential_loyalist' when r = 5 then 'new' when r = 4 then 'promising'
    when r = 3 and f = 3 then 'need_attention' when r = 3 then 'about_to_sleep' when f = 5 then 'cant_lose'
    when f >= 3 then 'at_risk' else 'hibernating' end"""


def make(path: Path, lines: int, customers: int) -> None:
    """Order lines of a shop with a long tail of small customers; 1 line in 50 is a return."""
    import duckdb

    with duckdb.connect() as con:
        con.execute(f"""
            copy (
                with o as (
                    select i // 3 as o, hash(i // 3) as h, hash(i * 7 + 1) as g, i from range({lines}) t(i)
                ), l as (
                    select floor(pow((h % 100000007) / 100000007.0, 1.7) * {customers})::int as c,
                        'O' || lpad(o::varchar, 9, '0') as order_id,
                        date '2023-11-01' + (hash(h) % 1095)::int as order_date,
                        (500 + g % 9500)::double as amount, i % 50 = 0 as back
                    from o
                )
                select 'C' || lpad(c::varchar, 8, '0') as customer_id,
                    case when back then 'R' || order_id else order_id end as order_id,
                    order_date + case when back then 7 else 0 end as order_date,
                    case when back then -amount else amount end as revenue, back as is_return,
                    case when back then order_id end as returned_order_id
                from l
            ) to '{path}' (format parquet, row_group_size 500000)
        """)


def ours(path: Path) -> dict:
    import duckdb

    import crmreport as cr

    with duckdb.connect() as con:
        table = cr.rfm_table(con.read_parquet(str(path)), as_of=AS_OF)
        segments = cr.segment_table(cr.score_rfm(table), cr.load_segments("standard"))
        deciles = cr.deciles_of(table, lapsed_days=LAPSED_DAYS)
    return {
        "deciles": deciles.table["revenue"].tolist(),
        "lapsed": deciles.table["lapsed_customers"].tolist(),
        "segments": dict(zip(segments.table["segment"], segments.table["customers"].tolist(), strict=True)),
    }


def sql(path: Path) -> dict:
    import duckdb

    cuts = ", ".join(
        f"min(v) filter (where at_or_below * 5 >= {k} * (select count(*) from c)) as c{k}"
        for k in range(1, 5)
    )

    def cut(measure: str) -> str:
        return f"""(select {cuts} from (select {measure} as v, sum(count(*)) over (order by {measure})
            as at_or_below from c group by {measure}))"""

    def band(measure: str) -> str:
        return " + ".join(f"({measure} > {measure[0]}c.c{k})::int" for k in range(1, 5))

    with duckdb.connect() as con:
        con.execute(f"""
            create temp table c as
            with l as (
                select customer_id, order_date, revenue, is_return,
                    case when is_return and returned_order_id is not null then returned_order_id
                        else order_id end as of_order
                from '{path}' where order_date <= date '{AS_OF}' and customer_id is not null
            ), back as (select distinct customer_id, of_order from l where is_return),
            gone as (
                select customer_id, of_order from l semi join back using (customer_id, of_order)
                group by all
                having sum(revenue) <= sum(case when is_return then 0 else revenue end) * 1e-9
            ), marked as (
                select l.*, not is_return and revenue > 0 and gone.customer_id is null as bought
                from l left join gone using (customer_id, of_order)
            ), days as (
                select customer_id, case when bought then order_date end as day, sum(revenue) as revenue
                from marked group by all
            )
            select customer_id, date '{AS_OF}' - max(day) as recency_days, count(day) as frequency,
                round(sum(revenue), 6) as monetary
            from days group by customer_id having count(day) > 0
        """)
        con.execute(f"""
            create temp table s as
            select r, f, m, count(*) n, sum(monetary) as money, sum(recency_days) as days,
                sum(frequency) as times
            from (select monetary, recency_days, frequency, 5 - ({band("recency_days")}) as r,
                1 + {band("frequency")} as f, 1 + {band("monetary")} as m
                from c, {cut("recency_days")} rc, {cut("frequency")} fc, {cut("monetary")} mc)
            group by all
        """)
        segments = con.execute(f"select {SEGMENT} as s, sum(n)::bigint from s group by 1").fetchall()
        deciles = con.execute(f"""
            select d, count(*), sum(monetary), min(monetary), max(monetary), sum(frequency),
                count(*) filter (where recency_days > {LAPSED_DAYS}),
                sum(monetary) filter (where recency_days > {LAPSED_DAYS}), sum(place * monetary)
            from (select *, ntile(10) over (order by monetary desc, customer_id) as d,
                row_number() over (order by monetary desc, customer_id) as place from c where monetary > 0)
            group by d order by d
        """).fetchall()
        con.execute(f"select count(*), sum(revenue) from '{path}' where customer_id is null").fetchall()
    return {
        "deciles": [row[2] for row in deciles],
        "lapsed": [row[6] for row in deciles],
        "segments": dict(segments),
    }


def pandas(path: Path) -> dict:
    import numpy as np
    import pandas as pd

    lines = pd.read_parquet(path)
    lines["order_date"] = pd.to_datetime(lines["order_date"])
    lines = lines[(lines["order_date"] <= pd.Timestamp(AS_OF)) & lines["customer_id"].notna()]
    lines["of_order"] = lines["returned_order_id"].fillna(lines["order_id"])
    back = lines.loc[lines["is_return"], ["customer_id", "of_order"]].drop_duplicates()
    touched = lines.merge(back, on=["customer_id", "of_order"])
    touched["sold"] = touched["revenue"].where(~touched["is_return"], 0.0)
    orders = touched.groupby(["customer_id", "of_order"], as_index=False)[["revenue", "sold"]].sum()
    gone = orders.loc[orders["revenue"] <= orders["sold"] * 1e-9, ["customer_id", "of_order"]].assign(
        gone=True
    )
    lines = lines.merge(gone, on=["customer_id", "of_order"], how="left")
    bought = lines[~lines["is_return"] & (lines["revenue"] > 0) & lines["gone"].isna()]
    days = bought.groupby("customer_id")["order_date"].agg(["max", "nunique"])
    table = days.join(lines.groupby("customer_id")["revenue"].sum())
    table["recency_days"] = (pd.Timestamp(AS_OF) - table["max"]).dt.days
    bands = {}
    for name in ("recency_days", "nunique", "revenue"):
        values = np.sort(table[name].to_numpy())
        places = [-(-k * len(values) // 5) - 1 for k in range(1, 5)]
        bands[name] = np.searchsorted(values[places], table[name].to_numpy(), side="left")
    table["r"], table["f"], table["m"] = 5 - bands["recency_days"], 1 + bands["nunique"], 1 + bands["revenue"]
    cells = table.groupby(["r", "f"]).size().reset_index(name="n")
    r, f = cells["r"], cells["f"]
    cells["s"] = np.select(
        [(r == 5) & (f >= 4), r.isin([3, 4]) & (f >= 4), (r >= 4) & f.isin([2, 3]), r == 5, r == 4,
         (r == 3) & (f == 3), r == 3, f == 5, f >= 3],
        ["champions", "loyal", "potential_loyalist", "new", "promising", "need_attention", "about_to_sleep",
         "cant_lose", "at_risk"], "hibernating",
    )  # fmt: skip
    ordered = table[table["revenue"] > 0].reset_index()
    ordered = ordered.sort_values(["revenue", "customer_id"], ascending=[False, True])
    size, longer = divmod(len(ordered), 10)
    ordered["d"] = np.repeat(np.arange(1, 11), [size + (k < longer) for k in range(10)])
    ordered["lapsed"] = ordered["recency_days"] > LAPSED_DAYS
    groups = ordered.groupby("d").agg(revenue=("revenue", "sum"), lapsed=("lapsed", "sum"))
    return {
        "deciles": groups["revenue"].tolist(),
        "lapsed": groups["lapsed"].tolist(),
        "segments": {k: int(v) for k, v in cells.groupby("s")["n"].sum().items()},
    }


def measure(way: str, path: Path) -> dict:
    """One way in a process of its own; imports and start-up are not timed, reading is."""
    done = subprocess.run(
        [sys.executable, __file__, "--way", way, "--path", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def run(way: str, path: Path) -> None:
    import duckdb  # noqa: F401  imported before the clock starts, as are the others
    import pandas as pd  # noqa: F401

    import crmreport.analysis.decile
    import crmreport.analysis.segments  # noqa: F401

    start, cpu = time.perf_counter(), time.process_time()
    found = {"ours": ours, "sql": sql, "pandas": pandas}[way](path)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_gb": peak, "found": found}))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--lines", type=int, default=20_000_000)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--without-pandas", action="store_true")
    parser.add_argument("--way")
    parser.add_argument("--path", type=Path)
    given = parser.parse_args()
    if given.way:
        run(given.way, given.path)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "order_lines.parquet"
        make(path, given.lines, given.lines // 10)
        ways = ["sql", "ours"] if given.without_pandas else ["sql", "ours", "pandas"]
        best: dict[str, dict] = {}
        for _ in range(given.repeat):
            for way in ways:
                got = measure(way, path)
                times = f"{got['seconds']:7.2f} s {got['cpu']:7.2f} s of processor"
                print(f"{way:7} {times} {got['peak_gb']:6.2f} GB", flush=True)
                best[way] = min(best.get(way, got), got, key=lambda one: one["seconds"])
    for way in ways[1:]:
        for key in ("lapsed", "segments"):
            assert best[way]["found"][key] == best["sql"]["found"][key], f"{way} and sql differ in {key}"
        pairs = zip(best[way]["found"]["deciles"], best["sql"]["found"]["deciles"], strict=True)
        assert all(abs(a - b) <= 1e-6 * abs(b) for a, b in pairs), f"{way} and sql differ in deciles"
    print(f"ours ÷ sql    {best['ours']['cpu'] / best['sql']['cpu']:.2f}   by processor time")
    print(f"ours ÷ sql    {best['ours']['seconds'] / best['sql']['seconds']:.2f}   (goal: 1.25 or less)")
    if "pandas" in best:
        print(f"pandas ÷ ours {best['pandas']['seconds'] / best['ours']['seconds']:.1f}    (goal: 5 or more)")
    print(f"peak memory   {best['ours']['peak_gb']:.2f} GB (goal: 2 GB or less)")


if __name__ == "__main__":
    main()
