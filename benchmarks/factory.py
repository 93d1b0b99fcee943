"""A night of reports: this package beside a shell loop over the papermill and nbconvert commands.

    python benchmarks/factory.py night          24 months of the demo's monthly report
    python benchmarks/factory.py kernels        how soon a kernel is ready; 500 starts, 16 at a time
    python benchmarks/factory.py unchanged      100 clients' reports that have not changed, and memory
    python benchmarks/factory.py                all of it

Run it on an otherwise idle machine; the ratios come from one run. ``night`` measures the plain way and
the floor on ``--sample`` months and scales them up, because the plain way takes minutes a month: it runs
every chapter once per language, as whoever has no runner does.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
CHAPTERS = ("sales", "decile", "rfm", "lifecycle", "data_quality", "definitions")
MONTHS = [f"{2024 + (m - 1) // 12}-{(m - 1) % 12 + 1:02d}" for m in range(11, 35)]
CORES = len(os.sched_getaffinity(0))


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def command(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [BIN / "crmreport", *words],
        env={**os.environ, "CRMREPORT_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    return done


def demo(folder: Path) -> Path:
    """A workspace with the demo client, its files read once."""
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    (folder / "clients" / "demo").mkdir(parents=True)
    for file in (ROOT / "clients" / "demo").iterdir():
        if file.is_file():
            shutil.copy(file, folder / "clients" / "demo")
    from crmreport.demo import write_demo

    write_demo(folder / "clients" / "demo")
    command(folder, "check", "--client", "demo")
    return folder


# A night


def ours(home: Path, months: Sequence[str]) -> float:
    words = [word for month in months for word in ("--period", month)]
    return timed(lambda: command(home, "run", "-c", "demo", "-r", "monthly", "--force", *words))


def plain_chapter(home: Path, out: Path, month: str, chapter: str, lang: str, *, pdf: bool) -> None:
    """What one types without this package's runner: execute, then convert, and print the page."""
    executed = out / f"{month}-{chapter}-{lang}.ipynb"
    page = executed.with_suffix(".html")
    environment = {**os.environ, "CRMREPORT_HOME": str(home)}
    parameters = ["-p", "client", "demo", "-p", "period", month, "-p", "lang", lang]
    steps = [
        [BIN / "papermill", home / "notebooks" / f"{chapter}.ipynb", executed, *parameters, "-k", "python3"],
        [BIN / "jupyter", "nbconvert", "--to", "html", "--log-level", "ERROR", executed],
        [BIN / "weasyprint", "--quiet", page, page.with_suffix(".pdf")],
    ]
    for words in steps if pdf else steps[:2]:
        subprocess.run(words, env=environment, check=True, capture_output=True)


def plain(home: Path, out: Path, months: Sequence[str], *, side_by_side: int, pdf: bool = False) -> float:
    jobs = [(month, chapter, lang) for month in months for chapter in CHAPTERS for lang in ("ja", "en")]

    def work() -> None:
        with ThreadPoolExecutor(side_by_side) as pool:
            list(pool.map(lambda job: plain_chapter(home, out, *job, pdf=pdf), jobs))

    return timed(work)


FLOOR = """
import json, os, sys, time
from pathlib import Path
import nbformat, weasyprint
import crmreport.report, crmreport.present
home, pages = Path(sys.argv[1]), sys.argv[4:]
months, chapters = (words.split(",") for words in sys.argv[2:4])
def run(month, chapter):
    space = {}
    for cell in nbformat.read(home / "notebooks" / f"{chapter}.ipynb", as_version=4).cells:
        if cell.cell_type != "code":
            continue
        if "parameters" in cell.metadata.get("tags", []):
            exec(cell.source, space)
            space.update(client="demo", period=month, lang="ja,en")
            continue
        import ast
        body = ast.parse(cell.source).body
        last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), chapter, "exec"), space)
        if last is not None:
            shown = eval(compile(ast.Expression(last.value), chapter, "eval"), space)
            if hasattr(shown, "_repr_mimebundle_"):
                shown._repr_mimebundle_()
run(months[0], chapters[0])
began = time.process_time()
for month in months:
    for chapter in chapters:
        run(month, chapter)
cells = time.process_time() - began
weasyprint.HTML(string="<p>x").write_pdf()
began = time.process_time()
for page in pages:
    weasyprint.HTML(string=Path(page).read_text(encoding="utf-8")).write_pdf(pdf_variant="pdf/ua-1")
print(json.dumps([cells, time.process_time() - began]))
"""


def floor(home: Path, months: Sequence[str]) -> tuple[float, float]:
    """CPU seconds of the chapters' cells in one warm process, and of WeasyPrint for their pages."""
    import json

    pages = [str(p) for m in months for p in (home / "reports/demo" / f"{m}-monthly").glob("monthly.*.html")]
    done = subprocess.run(
        [sys.executable, "-c", FLOOR, str(home), ",".join(months), ",".join(CHAPTERS), *pages],
        env={**os.environ, "CRMREPORT_HOME": str(home), "MPLBACKEND": "agg", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    cells, pdf = json.loads(done.stdout.splitlines()[-1])
    return cells, pdf


def night(sample: int, months: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        home = demo(Path(scratch) / "home")
        out = Path(scratch) / "plain"
        out.mkdir()
        all_months, some = MONTHS[-months:], MONTHS[-sample:]
        scale = months / sample
        made = ours(home, all_months)
        two = plain(home, out, some, side_by_side=2) * scale
        one = plain(home, out, some, side_by_side=1) * scale
        printed = plain(home, out, some, side_by_side=2, pdf=True) * scale
        cells, pdf = (part * scale for part in floor(home, some))
        print(f"  {months} months of {len(CHAPTERS)} chapters, 2 languages, {CORES} cores")

        def line(what: str, seconds: float, note: str) -> None:
            print(f"  {what:48} {seconds:7.1f} s   {note}")

        line("this package, HTML + PDF", made, f"{made / months:.2f} s a report")
        line("papermill + nbconvert, one by one", one, f"{one / made:.2f} x ours (HTML only)")
        line("papermill + nbconvert, two at a time", two, f"{two / made:.2f} x ours (HTML only)")
        line("the same with weasyprint, two at a time", printed, f"{printed / made:.2f} x ours")
        strict, least = (cells + pdf) / CORES, cells / CORES + pdf
        line("floor: cells and WeasyPrint / cores", strict, f"ours is {made / strict:.2f} x")
        line("floor: cells / cores, and WeasyPrint's", least, f"ours is {made / least:.2f} x")
        print(f"  CPU time: cells {cells:.1f} s in one warm process, WeasyPrint {pdf:.1f} s")


# Kernels


def kernels(starts: int, at_a_time: int) -> None:
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    from crmreport.produce.kernels import server
    from crmreport.produce.kernels.provisioner import NAME

    spec = KernelSpec(
        argv=["-f", "{connection_file}"],
        metadata={"kernel_provisioner": {"provisioner_name": NAME}},
        language="python",
    )

    class Manager(AsyncKernelManager):
        kernel_spec = spec  # type: ignore[assignment]

    code = "import pandas, matplotlib, seaborn, duckdb"

    async def one(folder: str, number: int) -> float:
        began = time.perf_counter()
        manager = Manager(transport="ipc", connection_file=f"{folder}/{number}.json")
        await manager.start_kernel()
        client = manager.client()
        client.start_channels()
        await client.wait_for_ready(timeout=60)
        reply = await client._async_execute_interactive(code, store_history=False, timeout=60)
        assert reply["content"]["status"] == "ok"
        took = time.perf_counter() - began
        client.stop_channels()
        await manager.shutdown_kernel(now=True)
        return took

    async def many(folder: str, count: int, together: int) -> list[float]:
        places = asyncio.Semaphore(together)

        async def held(number: int) -> float:
            async with places:
                return await one(folder, number)

        got = await asyncio.gather(*(held(n) for n in range(count)), return_exceptions=True)
        failed = [g for g in got if isinstance(g, BaseException)]
        print(f"  {count} starts, {together} at a time: {len(failed)} failed", *map(repr, failed[:3]))
        return [g for g in got if isinstance(g, float)]

    with tempfile.TemporaryDirectory(prefix="k-", dir="/tmp") as folder:
        server.Forked(print).wait()
        alone = asyncio.run(many(folder, 20, 1))
        median, worst = statistics.median(alone), max(alone)
        print(f"  ready with {code[7:]}: median {median:.2f} s, worst {worst:.2f} s")
        asyncio.run(many(folder, starts, at_a_time))


# Many clients


def clients(home: Path, count: int) -> None:
    from crmreport.demo import write_demo

    first = home / "clients" / "c000"
    first.mkdir(parents=True)
    shutil.copytree(ROOT / "notebooks", home / "notebooks")
    text = (ROOT / "clients/demo/client.yml").read_text(encoding="utf-8")
    text = text.replace(
        "chapters: [sales, decile, rfm, lifecycle, data_quality, definitions]", "chapters: [sales]"
    )
    # A shop of this size does not meet the control totals of the whole one.
    head, _, rest = text.partition("control_totals:")
    kept = rest.split("\nreports:")[1]
    text = f"{head}\nreports:{kept}"
    write_demo(first, scale=0.01)
    for number in range(count):
        folder = home / "clients" / f"c{number:03d}"
        if number:
            shutil.copytree(first / "data", folder / "data")
        (folder / "client.yml").write_text(
            text.replace("client: demo", f"client: c{number:03d}").replace("logo: logo.svg", ""),
            encoding="utf-8",
        )


def peak(process: subprocess.Popen[bytes]) -> int:
    """Most memory a command and its children hold, counted without what they share."""
    most = 0
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        total = 0
        for member in (watched, *watched.children(recursive=True)):
            try:
                total += member.memory_full_info().uss
            except psutil.Error:
                continue
        most = max(most, total)
        time.sleep(0.3)
    return most


def many_clients(count: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        clients(home, count)
        environment = {**os.environ, "CRMREPORT_HOME": str(home)}

        def go(names: Sequence[str]) -> tuple[int, float]:
            words = [w for name in names for w in ("-c", name)]
            began = time.perf_counter()
            process = subprocess.Popen(
                [BIN / "crmreport", "run", *words, "-p", "2026-10", "-r", "monthly"],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            held = peak(process)
            if process.returncode:
                sys.exit(f"a run ended with {process.returncode}")
            return held, time.perf_counter() - began

        names = [f"c{n:03d}" for n in range(count)]
        few, seconds = go(names[:10])
        print(f"  10 clients: {few / 2**20:,.0f} MB at most, {seconds:.1f} s")
        many, seconds = go(names)
        print(f"  {count} clients ({count - 10} new): {many / 2**20:,.0f} MB at most, {seconds:.1f} s")
        for _ in range(2):
            again = timed(lambda: command(home, "run", "--all", "-p", "2026-10", "-r", "monthly"))
        done = command(home, "run", "--all", "-p", "2026-10", "-r", "monthly")
        print(f"  {count} unchanged: {again:.2f} s; {done.stdout.strip().splitlines()[-1]}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", default=["night", "kernels", "unchanged"])
    parser.add_argument("--months", type=int, default=24, help="months this package makes")
    parser.add_argument("--sample", type=int, default=2, help="months the plain way is measured on")
    parser.add_argument("--starts", type=int, default=500)
    parser.add_argument("--clients", type=int, default=100)
    asked = parser.parse_args()
    for what in asked.what:
        print(what)
        match what:
            case "night":
                night(asked.sample, asked.months)
            case "kernels":
                kernels(asked.starts, 16)
            case "unchanged":
                many_clients(asked.clients)


if __name__ == "__main__":
    main()
