"""``crmreport forget``: take customers out of everything that is kept of a client."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crmreport.cli.clock import now
from crmreport.cli.options import DryRun, Json, client_ids
from crmreport.cli.output import note, say, say_json, say_table
from crmreport.errors import ConfigError, RunError
from crmreport.workspace import Workspace

if TYPE_CHECKING:
    from crmreport.forget import Forgetting, Place

_STDIN = "-"
_WHERE = {
    "store": ("store", "removed; the next run makes it without them"),
    "quarantine": ("quarantine", "removed with the store, whosever lines they are"),
    "answers": ("answers of databases", "removed; the next run or check asks again"),
    "unfinished": ("left by a killed run", "removed"),
    "report": ("lists of published reports", "taken out of them, and recorded in run.json"),
    "cache": ("cache of chapters", "removed"),
    "outbox": ("drafts in the outbox", "removed"),
    "plan": ("lists of planned tests", "taken off them, and recorded in the plan"),
}


def forget(
    client: Annotated[str, typer.Argument(help="A folder under clients/.", autocompletion=client_ids)],
    customer_id: Annotated[
        list[str] | None,
        typer.Argument(
            help="Customer ids; - reads them from standard input, a line each, so that they do not "
            "stay in the shell's history. None: look again for everybody on the list."
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="A text file with an id per line, UTF-8.")
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Forget customers: GDPR article 17, and deletion under Japan's APPI.

    They are put on clients/CLIENT/forgotten.yml, as keyed hashes, and no line of theirs is read
    again, whatever the client's next files hold. They are taken out of the store, the kept answers
    of databases, the lists of published reports, the cache, the outbox and the lists of planned
    tests. The client's own files are not touched; numbers already published stay until a report is
    made again. Nothing printed says who it was.

    Exit code 0: done, or nothing was left of them; 4: something could not be taken out.

    \b
    Example:
      crmreport forget shop 00012345 --dry-run
      crmreport forget shop 00012345
      crmreport forget shop --file requests.txt --json > forgotten-2026-11-22.json
      crmreport forget shop -        (then type the ids, and Ctrl-D)
      crmreport forget shop          (again, after a backup was put back)
    """
    from crmreport.forget import forget as forgotten

    ids = _ids(customer_id or [], file)
    if not ids and (customer_id or file):
        raise ConfigError("there is no id in what was read; nothing was done")
    result = forgotten(
        Workspace.find(),
        client,
        ids,
        at=now(),
        dry_run=dry_run,
        waiting=lambda report: note(f"waits for {report}"),
    )
    if json:
        say_json(_record(result))
    else:
        _print(result)
    if result.left:
        raise RunError(
            f"{client}: {len(result.left)} files still hold rows of theirs, first {result.left[0].path}; "
            "run the same again"
        )


def _ids(given: list[str], file: Path | None) -> list[str]:
    found = [each for each in given if each != _STDIN]
    if _STDIN in given:
        found += _lines(sys.stdin.buffer.read(), "standard input")
    if file is not None:
        try:
            found += _lines(file.read_bytes(), str(file))
        except OSError as error:
            raise ConfigError(f"{file}: cannot be read ({error.strerror}); nothing was done") from None
    return found


def _lines(data: bytes, name: str) -> list[str]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{name}: is not UTF-8; save it so, nothing was done") from None
    return [line for line in text.splitlines() if line.strip()]


def _print(result: Forgetting) -> None:
    client, would = result.client, "would be " if result.dry_run else ""
    grouped = _grouped(result.places)
    if grouped:
        say_table(
            ["where", "files", "rows", ""],
            [
                [_WHERE[where][0], len(there), sum(p.rows for p in there), would + _WHERE[where][1]]
                for where, there in grouped.items()
            ],
            numbers=(1, 2),
        )
        for place in result.places:
            say(f"  {place.path}: {place.rows:,}")
    elif result.asked - result.known:
        say(f"{client}: nothing is kept of {_customers(result.asked)}")
    else:
        say(f"{client}: nothing left of {_customers(result.asked or result.listed)}")
    if grouped and result.unseen > result.known:
        say(f"nothing was found of {_customers(result.unseen)}; is an id mistyped, or a leading zero lost?")
    for trace in result.traces:
        made = trace.path.startswith("reports/")
        way_out = "make the report again with run --force" if made else "see to it by hand"
        say(f"look at {trace.path}: {trace.what}; it is not edited: {way_out}")
    for who in result.recipients:
        say(f"{who.report}: lists were sent to {who.to} on {who.at[:10]}: ask them to delete those")
    if new := result.asked - result.known:
        said = f"{would}added" if result.dry_run else "added"
        say(
            f"clients/{client}/forgotten.yml: {_customers(new)} {said}, {result.listed:,} in all; "
            "their lines are left out of whatever is read"
        )
    if result.dry_run:
        note("nothing was written; the same without --dry-run does it")
    elif any(place.where == "report" for place in result.places):
        note(f"numbers already published stay as they are; crmreport run --client {client} makes them anew")


def _grouped(places: Iterable[Place]) -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    for place in places:
        found.setdefault(place.where, []).append(place)
    return {where: found[where] for where in _WHERE if where in found}


def _customers(count: int) -> str:
    return f"{count:,} customer{'s' * (count != 1)}"


def _record(result: Forgetting) -> dict[str, Any]:
    def places(given: Iterable[Place]) -> list[dict[str, Any]]:
        return [{"where": p.where, "path": p.path, "rows": p.rows} for p in given]

    return {
        "client": result.client,
        "at": now().isoformat(timespec="seconds"),
        "dry_run": result.dry_run,
        "asked": result.asked,
        "known_before": result.known,
        "nothing_found_of": result.unseen,
        "on_the_list": result.listed,
        "places": places(result.places),
        "left": places(result.left),
        "look_at": [asdict(t) for t in result.traces],
        "sent_to": [asdict(r) for r in result.recipients],
    }
