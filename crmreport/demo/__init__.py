"""A made-up Japanese cosmetics shop, and the files it would send.

Everything is drawn from one seed: the same seed gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path

from crmreport.demo.master_files import write_members, write_products
from crmreport.demo.orders import keep_books
from crmreport.demo.sales_file import write_sales
from crmreport.demo.seeds import DEMO_SEED
from crmreport.demo.send_files import write_sends
from crmreport.demo.web_events import write_web_events

__all__ = ["DEMO_SEED", "write_demo"]


def write_demo(folder: Path, *, seed: int = DEMO_SEED, scale: float = 1.0) -> list[Path]:
    """Write the demo shop's files into ``folder``/data.

    Args:
        folder: The client's folder, such as clients/demo; made when it is not there.
        seed: Seed of every random number; the control totals in clients/demo/client.yml
            hold for the default one.
        scale: Share of the customers to draw, 0.01 to 5; 1.0 is about 20,000 customers and
            200,000 sales lines.

    Returns:
        The files written: three sales files, the member master, the product master, the log of
        sendings and the web events month by month.

    Raises:
        ValueError: ``scale`` is out of bounds.
    """
    if not 0.01 <= scale <= 5:
        raise ValueError(f"scale {scale} is out of bounds; give a share from 0.01 to 5")
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    books = keep_books(seed, scale)
    return [
        *write_sales(data, books, seed),
        write_members(data, books, seed),
        write_products(data, books, seed),
        *write_sends(data, books),
        *write_web_events(data, books, seed),
    ]
