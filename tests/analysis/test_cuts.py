from __future__ import annotations

import itertools

import narwhals as nw
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmreport.analysis.cuts import Cuts, empirical_cuts, fixed_cuts
from crmreport.analysis.ledger import to_pandas
from crmreport.errors import ConfigError, TooFewError


def cut_and_score(frame, values, *, bins: int, best_is_low: bool = False) -> tuple[Cuts, list[int]]:
    table = nw.from_native(frame(pd.DataFrame({"place": range(len(values)), "monetary": values}))).lazy()
    cuts = empirical_cuts(table, "monetary", bins=bins, n_customers=len(values), best_is_low=best_is_low)
    return cuts, to_pandas(table.with_columns(s=cuts.score()), sort_by="place")["s"].tolist()


CASES = {
    "10 into 5: two each": ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 5, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5], ()),
    "7 into 5: sizes 2 1 2 1 1": ([1, 2, 3, 4, 5, 6, 7], 5, [1, 1, 2, 3, 3, 4, 5], ()),
    "all tie: lowest score for all": ([4, 4, 4, 4, 4], 5, [1, 1, 1, 1, 1], (2, 3, 4, 5)),
    "half buy once: the middle scores stay unused": (
        [1, 1, 1, 1, 1, 2, 3, 4, 5, 6],
        5,
        [1] * 5 + [3, 4, 4, 5, 5],
        (2,),
    ),
    "5 into 5: one each": ([10.5, 20, 30, 40, 50], 5, [1, 2, 3, 4, 5], ()),
    "4 into 2": ([7, 1, 7, 3], 2, [2, 1, 2, 1], ()),
    "the top ties: no best score": ([1, 2, 9, 9, 9], 5, [1, 2, 3, 3, 3], (4, 5)),
}


@pytest.mark.parametrize(("values", "bins", "scores", "unreachable"), CASES.values(), ids=CASES.keys())
def test_scores(engine, values, bins, scores, unreachable):
    cuts, found = cut_and_score(engine, values, bins=bins)
    assert found == scores
    assert cuts.unreachable == unreachable


def test_few_days_score_high(engine):
    cuts, found = cut_and_score(engine, [0, 10, 20, 30, 40], bins=5, best_is_low=True)
    assert found == [5, 4, 3, 2, 1]
    assert cuts.points == (0, 10, 20, 30)


def test_all_on_one_day_are_equally_recent(engine):
    cuts, found = cut_and_score(engine, [3, 3, 3, 3, 3], bins=5, best_is_low=True)
    assert found == [5] * 5
    assert cuts.unreachable == (1, 2, 3, 4)


def test_bands_are_listed_best_first(engine):
    cuts, _ = cut_and_score(engine, [0, 10, 20, 30, 40], bins=5, best_is_low=True)
    assert cuts.bands()[["score", "lower", "upper"]].values.tolist() == [
        [5, 0, 0], [4, 0, 10], [3, 10, 20], [2, 20, 30], [1, 30, 40],
    ]  # fmt: skip


def test_fixed_cuts_read_as_a_client_says_them(engine):
    cuts = fixed_cuts(recency_days=[30, 90], frequency=[2, 5], monetary=[5000, 20000])
    frame = nw.from_native(
        engine(pd.DataFrame({"i": range(4), "days": [30, 31, 90, 91], "n": [1, 2, 4, 5]}))
    ).lazy()
    found = to_pandas(
        frame.with_columns(r=cuts.recency.score("days"), f=cuts.frequency.score("n")), sort_by="i"
    )
    assert found["r"].tolist() == [3, 2, 2, 1]
    assert found["f"].tolist() == [1, 2, 2, 3]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.integers(-50, 50), min_size=5, max_size=40),
    bins=st.integers(2, 5),
    low=st.booleans(),
)
def test_definition_holds_for_any_values(values, bins, low):
    cuts, scores = cut_and_score(lambda frame: frame, values, bins=bins, best_is_low=low)
    n = len(values)
    for k, point in enumerate(cuts.points, 1):
        assert sum(v <= point for v in values) * bins >= k * n
        assert sum(v < point for v in values) * bins < k * n
    ordered = sorted(zip(values, scores, strict=True))
    steps = [later[1] - earlier[1] for earlier, later in itertools.pairwise(ordered)]
    assert all(step <= 0 for step in steps) if low else all(step >= 0 for step in steps)
    by_value = {value: {s for v, s in ordered if v == value} for value in values}
    assert all(len(found) == 1 for found in by_value.values())
    assert not set(scores) & set(cuts.unreachable)
    assert set(scores) | set(cuts.unreachable) == set(range(1, bins + 1))


def test_too_few_customers_are_refused(engine):
    with pytest.raises(
        TooFewError, match="too few customers: 4 found, 5 or more needed; look at a longer window"
    ):
        cut_and_score(engine, [1, 2, 3, 4], bins=5)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"frequency": [5, 2]}, "frequency are \\[5, 2\\]; give at least one, rising"),
        ({"frequency": [2, 2]}, "rising"),
        ({"monetary": []}, "monetary are \\[\\]"),
        ({"monetary": [1, 2, 3]}, "monetary make 4 scores, of recency_days 3"),
    ],
    ids=["falling", "equal", "empty", "another number of scores"],
)
def test_fixed_cuts_refuse(given, match):
    with pytest.raises(ConfigError, match=match):
        fixed_cuts(**{"recency_days": [30, 90], "frequency": [2, 5], "monetary": [1, 2], **given})


@pytest.mark.parametrize("bins", [1, 11, 5.0, "5"])
def test_bins_are_a_whole_number(bins):
    with pytest.raises(ConfigError, match="whole number from 2 to 10"):
        cut_and_score(lambda frame: frame, [1, 2, 3], bins=bins)
