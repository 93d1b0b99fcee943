"""How small an effect the test could see, and how many customers the next one needs."""

from __future__ import annotations

import math

from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.present.campaign.reading import deciding, difference_spec, each, primary_effect
from crmreport.present.message import Note
from crmreport.present.text import Text

# A test so many times larger than this one is no plan.
_FAR = 10


def power(evaluation: Evaluation | None) -> list[Note]:
    """One sentence; a second one with the customers needed where a profit is at stake."""
    arm = None if evaluation is None else deciding(evaluation)
    if evaluation is None or arm is None or evaluation.running or not math.isfinite(arm.mde):
        return []
    effect = primary_effect(evaluation, arm)
    spec = difference_spec(effect)
    estimate = effect.estimate
    said = [
        Note(
            Text(
                "campaign.power.smallest",
                metric=effect.metric.name,
                n=estimate.n_treatment + estimate.n_control,
                mde=each(arm.mde, spec),
            )
        )
    ]
    # Where a profit or loss is settled, nobody needs a larger test.
    if (needed := arm.needed) is not None and evaluation.judged.verdict == "keep_testing":
        n = estimate.n_treatment + estimate.n_control
        case = "enough" if n >= needed.total else "far" if needed.total > _FAR * n else "needed"
        sizes = {"treatment": needed.n_treatment, "control": needed.n_control}
        said.append(
            Note(Text(f"campaign.power.{case}", needed=needed.total, times=needed.total / n, **sizes))
        )
    return said
