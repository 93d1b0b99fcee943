"""The outbox of a report: drafts, the journal, one sender at a time. Nobody but its owner may read it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from crmreport.errors import RunError
from crmreport.produce.lock import Holder, locked
from crmreport.whole_file import write_whole
from crmreport.workspace import Workspace


class Outbox:
    """``reports/.outbox/<client>/<period>-<report>/``."""

    def __init__(self, workspace: Workspace, client: str, period: str, report: str) -> None:
        self._workspace = workspace
        self.folder = workspace.reports / ".outbox" / client / f"{period}-{report}"
        self._near = workspace.near(self.folder)

    @contextmanager
    def only_sender(self) -> Iterator[None]:
        """Hold the outbox while messages are sent.

        Raises:
            RunError: Another process sends this report now.
        """

        def refuse(holder: Holder | None, _: float) -> None:
            who = f" ({holder})" if holder else ""
            raise RunError(
                f"{self._near} is being sent from by another crmreport deliver{who}; wait until it is done, "
                "then run again"
            )

        what = f"{self.folder.name} of {self.folder.parent.name}"
        with locked(self._workspace, self.folder, what, waiting=refuse, check=refuse) as at_work:
            at_work()
            yield

    def make(self) -> None:
        """Make the folder.

        Raises:
            RunError: It cannot be made.
        """
        try:
            for folder in (self.folder.parents[1], self.folder.parent, self.folder):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._no_room(error) from None

    def put(self, digest: str, message: bytes) -> str:
        """Write a draft; returns its place relative to the workspace.

        Raises:
            RunError: It cannot be written.
        """
        path = self.folder / f"{digest}.eml"
        try:
            write_whole(path, message, private=True)
        except OSError as error:
            raise self._no_room(error) from None
        return f"{self._near}/{path.name}"

    def keep_only(self, digests: set[str]) -> None:
        """Remove drafts of earlier versions."""
        for path in self.folder.glob("*.eml"):
            if path.stem not in digests:
                path.unlink(missing_ok=True)

    def drop(self, digest: str) -> None:
        """Remove the draft of a message that was sent; it may hold lists of customers."""
        (self.folder / f"{digest}.eml").unlink(missing_ok=True)

    def _no_room(self, error: OSError) -> RunError:
        return RunError(
            f"{self.folder}: cannot be written ({error.strerror}), so nothing was sent; "
            "make room or give rights, then run again"
        )
