"""Whom to look for: those a request names, and whoever is on the client's list already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from crmreport.config import Client
from crmreport.errors import ConfigError
from crmreport.intake.forgotten import Forgotten, one_form

_LONGEST = 200


@dataclass(frozen=True)
class Whom:
    """Customers, by any written form of their ids.

    Args:
        ids: Named by the request, see :func:`crmreport.intake.forgotten.one_form`.
        listed: Those on the list.
    """

    ids: frozenset[str]
    listed: Forgotten
    _seen: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)

    def __contains__(self, text: str) -> bool:
        # The same ids stand in many files.
        if (known := self._seen.get(text)) is None:
            known = self._seen[text] = one_form(text) in self.ids or text in self.listed
        return known

    def found(self, texts: Iterable[str]) -> frozenset[str]:
        """Those of them who are among some texts, each in one form."""
        return frozenset(one_form(text) for text in texts if text in self)


def read_ids(given: Sequence[str], client: Client | None) -> frozenset[str]:
    """Ids in the form they are looked for; their number may be told, they themselves may not.

    Args:
        given: As somebody wrote them.
        client: Its policies say which ids are no customer's; None where the client file is not usable.

    Raises:
        ConfigError: One of them is no id of a customer.
    """
    guests = {one_form(g) for g in client.policies.guest_ids} if client else set()
    found: set[str] = set()
    for number, text in enumerate(given, start=1):
        which = f"id {number} of {len(given)}"
        code = one_form(text)
        if not code:
            raise ConfigError(f"{which} is empty; nothing was done")
        if len(code) > _LONGEST:
            raise ConfigError(f"{which} is longer than {_LONGEST} characters; nothing was done")
        if code in guests:
            raise ConfigError(f"{which} is one of policies.guest_ids: it stands for nobody; nothing was done")
        found.add(code)
    return frozenset(found)
