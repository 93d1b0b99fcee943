"""An error that travels as text arrives as what it was."""

from typing import get_args

import pytest

from crmreport.errors import Counted, TooFewError
from crmreport.present.words import LANGUAGES, Words

SAID = "too few repeat customers: 0 found, 1 or more needed; wait"


def test_message_says_how_many_and_the_way_out():
    error = TooFewError("repeat_customers", found=0, needed=1, remedy="wait")
    assert str(error) == SAID
    assert error.exit_code == 3


def test_message_is_read_back():
    error = TooFewError.read(SAID)
    assert error is not None
    assert (error.what, error.found, error.needed, error.remedy) == ("repeat_customers", 0, 1, "wait")


@pytest.mark.parametrize(
    "message",
    ["", "no such column", "too few customers", "too few cats: 0 found, 1 or more needed; buy one"],
)
def test_other_messages_are_not_read(message: str):
    assert TooFewError.read(message) is None


def test_every_reason_has_words_in_both_languages():
    keys = [f"book.withheld.{prefix}{what}" for what in get_args(Counted) for prefix in ("", "no_")]
    assert [(lang, key) for lang in LANGUAGES for key in keys if not Words(lang).has(key)] == []
