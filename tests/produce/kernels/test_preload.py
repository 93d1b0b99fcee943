"""What the fork server reads beforehand may fail without ending it."""

from __future__ import annotations

import pytest
from ruamel.yaml.error import YAMLError

from crmreport.produce.kernels import preload


def test_labels_that_cannot_be_read_do_not_end_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def unreadable(lang: str) -> None:
        asked.append(lang)
        raise YAMLError(f"labels {lang}.yml: line 3 is not YAML")

    monkeypatch.setattr("crmreport.present.words.labels", unreadable)

    preload._read_labels()

    assert asked
