"""Effects by least squares: the arm and what was known before in one regression."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw
import numpy as np
import statsmodels.api as sm
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.estimate import Estimate, normal_estimate
from crmreport.analysis.ledger import to_pandas
from crmreport.errors import DataError


def regression_adjusted(
    customers: IntoFrame,
    *,
    treated: str,
    outcome: str,
    covariates: Sequence[str],
    confidence: float = 0.95,
) -> Estimate:
    """Difference at equal covariates by least squares (ANCOVA), errors robust to unequal variance (HC2).

    In a randomised test it does what CUPED does, with several covariates at once (Lin 2013). Where
    customers were chosen it draws straight lines through covariates the groups may not share and has no
    diagnostic that would stop it: there :func:`crmreport.analysis.campaign.observational.adjusted_effect`
    decides whether anything may be said, and this is only put beside it. Errors: MacKinnon and White
    (1985); interval and p-value are normal.

    Args:
        customers: One row per customer.
        treated: Column 1 for treatment, 0 for control.
        outcome: Column of the outcome: money, or 0/1 (a linear probability model).
        covariates: Columns of numbers known before the campaign.
        confidence: Coverage of the interval, between 0 and 1.

    Returns:
        The difference in the outcome's unit.

    Raises:
        DataError: A value is missing, ``treated`` is not 0/1, or a covariate decides the arm.

    Examples:
        The outcome is 3 × before + 5 for those sent to.

        >>> import pandas as pd
        >>> sent = pd.DataFrame({"sent": [0, 1] * 20, "before": [float(i % 9) for i in range(40)]})
        >>> sent["after"] = 3 * sent["before"] + 5 * sent["sent"]
        >>> found = regression_adjusted(sent, treated="sent", outcome="after", covariates=["before"])
        >>> round(found.difference, 6)
        5.0
    """
    names = list(dict.fromkeys([treated, outcome, *covariates]))
    frame = nw.from_native(customers).lazy().select(*[nw.col(name).cast(nw.Float64) for name in names])
    rows = to_pandas(frame)
    if missing := int(rows.isna().any(axis=1).sum()):
        column = str(rows.columns[rows.isna().any()][0])
        raise DataError(
            f"{missing} customers lack a value; first column: {column}; fill it, or leave these customers out"
        )
    if not set(rows[treated].unique()) <= {0.0, 1.0}:
        raise DataError(f"{treated} holds other values than 0 and 1; give 1 for sent to")
    before = rows[list(covariates)].to_numpy()
    varies = before.std(axis=0) > 0
    # Money in yen beside shares would spoil the precision; the arm's coefficient does not change.
    scaled = (before[:, varies] - before[:, varies].mean(axis=0)) / before[:, varies].std(axis=0)
    sent = rows[treated].to_numpy()
    rest = np.column_stack([np.ones(len(rows)), scaled])
    if np.linalg.matrix_rank(np.column_stack([sent, rest])) == np.linalg.matrix_rank(rest):
        raise DataError(
            f"{treated} is the same for all {len(rows)} customers at equal covariates; "
            "there is nobody to compare with"
        )
    fit = sm.OLS(rows[outcome].to_numpy(), np.column_stack([sent, rest])).fit(cov_type="HC2")
    n = int(sent.sum())
    return normal_estimate(float(fit.params[0]), float(fit.bse[0]), n, len(rows) - n, confidence=confidence)
