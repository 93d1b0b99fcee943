"""Known results of public campaign data, beside the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def golden(shared_data: Path) -> dict[str, Any]:
    """Results computed elsewhere, several tools agreeing; tests that read them are marked ``real``."""
    return json.loads((shared_data / "golden" / "campaigns.json").read_text(encoding="utf-8"))
