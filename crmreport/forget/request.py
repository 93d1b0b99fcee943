"""A request from its ids to the last look that nothing is left."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from filelock import FileLock

from crmreport.config import Client
from crmreport.config_file import load_client
from crmreport.errors import ConfigError, RunError
from crmreport.forget import answers, kept, reports, stores
from crmreport.forget.model import Forgetting, Place, Trace
from crmreport.forget.recipients import recipients
from crmreport.forget.whom import Whom, read_ids
from crmreport.intake.forgotten import add_forgotten, read_forgotten
from crmreport.produce import publish
from crmreport.produce.lock import UNKNOWN, Waiting, locked
from crmreport.workspace import Workspace


@dataclass(frozen=True, slots=True)
class _Found:
    places: tuple[Place, ...]
    traces: tuple[Trace, ...]


def forget(
    workspace: Workspace,
    client_id: str,
    ids: Sequence[str],
    *,
    at: datetime,
    dry_run: bool = False,
    waiting: Callable[[str], None] = lambda _: None,
) -> Forgetting:
    """Forget customers of a client.

    They are put on the list first: from then on nothing of theirs is read, however this ends, and the same
    again, or any later request, takes out what was left. Whoever is on the list already is looked for, too:
    without ``ids`` nothing else is done, as after a backup was put back.

    Args:
        ids: Customers, in any written form of their ids.
        at: Now, with a zone.
        dry_run: Look, and write nothing.
        waiting: Told of every report that is just being made or sent, and by whom.

    Raises:
        ConfigError: There is no such client, an id is none, or the list cannot be read.
        RunError: Something cannot be written; what was done until then stays done.
    """
    client = _client(workspace, client_id)
    folder = workspace.client(client_id)
    before = read_forgotten(folder)
    named = read_ids(ids, client)
    new = frozenset(each for each in named if each not in before)
    whom = Whom(named, before)
    if not named and not before:
        raise ConfigError(f"{client_id}: nobody is on the list of forgotten customers; name one by its id")
    left: tuple[Place, ...] = ()
    if dry_run:
        keep = frozenset[str]() if new else stores.standing(workspace, client)
        found = _look(workspace, client_id, whom, client, keep=keep)
    else:
        try:
            with ExitStack() as stack:
                hold = stack.enter_context(_alone(workspace, client_id, waiting))
                hold()
                add_forgotten(folder, named, at=at)
                whom = Whom(named, read_forgotten(folder))
                # A report begun just before knows nothing of the list.
                makers = hold()
                stack.enter_context(answers.held(workspace, client_id, waiting))
                unfinished = tuple(reports.unfinished(workspace, client_id, whom))
                for each in makers:
                    publish.recover(workspace, each)
                    publish.recover(workspace, publish.partial_place(workspace, each))
                keep = stores.standing(workspace, client)
                found = _look(workspace, client_id, whom, client, keep=keep)
                found = replace(found, places=(*unfinished, *found.places))
                _take_out(workspace, client_id, whom, found, keep=keep, at=at)
                left = _look(workspace, client_id, whom, client, keep=keep).places
        except OSError as error:
            raise RunError(
                f"{client_id}: {error}; whoever is on the list is read no more, but something is left: "
                "see to the disk, then run the same again"
            ) from None
    seen = frozenset[str]().union(*(place.customers for place in found.places))
    return Forgetting(
        client=client_id,
        asked=len(named),
        known=len(named) - len(new),
        unseen=len(named - seen),
        listed=len(before) + len(new),
        dry_run=dry_run,
        places=found.places,
        left=left,
        traces=found.traces,
        recipients=tuple(recipients(workspace, client_id, found.places)),
    )


def _client(workspace: Workspace, client_id: str) -> Client | None:
    """The client file; None where it cannot be used, which must not keep anybody on a list."""
    file = workspace.client_file(client_id)
    try:
        return load_client(file, reports=False)
    except ConfigError:
        if file.is_file():
            return None
        raise


@contextmanager
def _alone(
    workspace: Workspace, client_id: str, waiting: Callable[[str], None]
) -> Iterator[Callable[[], Collection[Path]]]:
    """Keep other requests out; what is yielded waits for the client's reports and holds them, too.

    Reports that are begun later are not kept from it, only those known when it is called.
    """
    locks = workspace.reports / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    held: dict[Path, bool] = {}
    with ExitStack() as stack:
        # No report's lock is called so: theirs begin with the client.
        stack.enter_context(FileLock(locks / f".forget-{client_id}.lock"))

        def _told(folder: Path) -> Waiting:
            near = folder.relative_to(workspace.reports).as_posix()
            return lambda holder, _: waiting(f"{near}: {holder or UNKNOWN}")

        def hold() -> Collection[Path]:
            for each in _makers(workspace, client_id):
                if each not in held:
                    at_work = stack.enter_context(
                        locked(
                            workspace, each, f"{client_id} forget", waiting=_told(each), check=lambda *_: None
                        )
                    )
                    at_work()
                    held[each] = True
            return [each for each in held if each.is_relative_to(workspace.reports / client_id)]

        yield hold


def _makers(workspace: Workspace, client_id: str) -> list[Path]:
    """Folders somebody may be writing to: published, sent from, or locked at any time."""
    home = workspace.reports / ".locks"
    names = [p.name.removesuffix(".lock") for p in home.glob(f"*{client_id}+*.lock")]
    once = [workspace.reports.joinpath(*name.split("+")) for name in names]
    mine = (workspace.reports / client_id, workspace.reports / ".outbox" / client_id)
    there = [*reports.published(workspace, client_id), *kept.outboxes(workspace, client_id)]
    return sorted({*there, *(p for p in once if p.parent in mine)})


def _look(
    workspace: Workspace, client_id: str, whom: Whom, client: Client | None, *, keep: Collection[str]
) -> _Found:
    places = list(stores.look(workspace, client_id, whom, keep=keep))
    places += answers.look(workspace, client_id, whom, client)
    places += reports.unfinished(workspace, client_id, whom)
    traces: list[Trace] = []
    for folder in reports.folders(workspace, client_id):
        rows, more = reports.look(workspace, folder, whom)
        places += rows
        traces += more
    places += kept.look_in_cache(workspace, client_id, whom)
    for folder in kept.outboxes(workspace, client_id):
        places += kept.look_in_outbox(workspace, folder, whom)
    rows, more = kept.look_in_plans(workspace, client_id, whom)
    return _Found((*places, *rows), (*traces, *more))


def _take_out(
    workspace: Workspace,
    client_id: str,
    whom: Whom,
    found: _Found,
    *,
    keep: Collection[str],
    at: datetime,
) -> None:
    stores.drop(workspace, client_id, keep=keep)
    answers.drop(workspace, client_id, found.places)
    for folder in reports.folders(workspace, client_id):
        near = f"{workspace.near(folder)}/"
        if any(place.where == "report" and place.path.startswith(near) for place in found.places):
            reports.take_out(workspace, folder, whom, at=at.isoformat(timespec="seconds"))
    for place in found.places:
        if place.where == "cache":
            kept.drop_from_cache(workspace, place)
        elif place.where == "outbox":
            (workspace.root / place.path).unlink(missing_ok=True)
        elif place.where == "plan":
            kept.take_off_plan(workspace, place, whom)
