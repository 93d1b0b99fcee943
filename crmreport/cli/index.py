"""``crmreport index``: make the page of all reports anew."""

from __future__ import annotations

from crmreport.cli.options import Json
from crmreport.cli.output import say, say_json
from crmreport.cli.run import near
from crmreport.workspace import Workspace


def index(json: Json = False) -> None:
    """Make reports/index.html anew: every report, how it stands, where it is.

    Every run does this at its end; it is needed after reports were moved, copied or removed by hand.

    \b
    Example:
      crmreport index
    """
    from crmreport.produce.shelf.shelf import write_shelf

    page = write_shelf(Workspace.find())
    if json:
        say_json({"index": str(page)})
        return
    say(f"Open {near(page)} in a browser.")
