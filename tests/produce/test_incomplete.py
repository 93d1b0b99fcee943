"""What is said of a run whose chapters failed."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from crmreport.produce.run import _incomplete


@pytest.mark.parametrize(
    ("reason", "way"),
    [
        (
            "cell 'a': ConfigError: campaign 'm': arm 'B' was not planned",
            "in client.yml or the data, not the",
        ),
        ("cell 'a': DataError: nothing was sent", "mend what it names in client.yml or the data"),
        ("cell 'a': TooFewError: an analysis of its own", "mend what it names in client.yml or the data"),
        ("cell 'a': ZeroDivisionError: division by zero", "mend the chapter and run again"),
    ],
)
def test_what_has_to_be_mended_is_named(reason, way):
    runs = [SimpleNamespace(chapter="a", status="failed", reason=reason)]
    assert way in str(_incomplete(runs, Path("a.partial")))  # type: ignore[arg-type]
