"""The databases of a run's clients: each client's are asked once, however many reports are made of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from crmreport.config import Client
from crmreport.errors import ConfigError, DataError
from crmreport.intake.database import addresses
from crmreport.intake.snapshot import queries_of
from crmreport.produce.kernels.workshop import Workshop
from crmreport.workspace import Workspace


@dataclass(slots=True)
class _Answered:
    lock: threading.Lock = field(default_factory=threading.Lock)
    good: bool = False
    error: ConfigError | DataError | None = None


class Asking:
    """What a run has asked already."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: dict[str, _Answered] = {}

    def ask(
        self,
        workspace: Workspace,
        client: Client,
        workshop: Workshop,
        deadline: float | None,
        at_work: Callable[[], None],
    ) -> None:
        """Bring the client's answers up to date; nothing happens for a client of files only.

        Args:
            deadline: When it has to be over, on the monotonic clock.
            at_work: Called before what takes time.

        Raises:
            ConfigError: A variable is not set or holds no address, or a driver is not installed.
            DataError: A database cannot be reached or does not answer; every report of the client hears it.
            RunError: It took too long.
            StoppedError: The run was stopped.
        """
        if not queries_of(client):
            return
        at_work()
        with self._lock:
            answered = self._clients.setdefault(client.client, _Answered())
        with answered.lock:
            if answered.error is not None:
                raise answered.error
            if answered.good:
                return
            workshop.check()
            try:
                # Imported in the fork that asks: a run in which nothing is asked waits for no driver.
                workshop.call_until(
                    deadline, "asking the client's databases", _ask, workspace, client, addresses(client)
                )
            except (ConfigError, DataError) as error:
                answered.error = error
                raise
            answered.good = True


def _ask(workspace: Workspace, client: Client, given: dict[str, str]) -> None:
    from crmreport.intake.ask import ask_databases

    ask_databases(workspace, client, given)
