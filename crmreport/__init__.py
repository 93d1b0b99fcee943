"""Customer-base analysis and CRM reporting from Jupyter notebooks.

>>> import crmreport as cr
>>> [name for name in cr.__all__ if name.startswith("rfm")]
['rfm_table']
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Name → module. Loaded when first used: `crmreport --help` must not wait for pandas.
_HOMES = {
    "open_report": "crmreport.report",
    "CrmReportError": "crmreport.errors",
    "left_out": "crmreport.analysis.ledger",
    "purchases": "crmreport.analysis.ledger",
    "rfm_table": "crmreport.analysis.rfm",
    "score_rfm": "crmreport.analysis.rfm",
    "fixed_cuts": "crmreport.analysis.cuts",
    "load_segments": "crmreport.segment_file",
    "segment_table": "crmreport.analysis.segments",
    "migration": "crmreport.analysis.migration",
    "migration_since": "crmreport.analysis.migration",
    "decile_table": "crmreport.analysis.decile",
    "earlier_deciles": "crmreport.analysis.decile",
    "deciles_of": "crmreport.analysis.decile",
    "cpm_groups": "crmreport.analysis.cpm",
    "customer_profile": "crmreport.analysis.profile",
    "customer_profiles": "crmreport.analysis.profiles",
    "purchase_gaps": "crmreport.analysis.purchase_gaps",
    "lifecycle_thresholds": "crmreport.analysis.lifecycle",
    "lifecycle_states": "crmreport.analysis.lifecycle",
    "lifecycle_flows": "crmreport.analysis.lifecycle",
    "valuable_at_risk": "crmreport.analysis.approach",
    "second_purchase_window": "crmreport.analysis.approach",
    "rank_silence": "crmreport.analysis.rank_silence",
    "rank_transitions": "crmreport.analysis.ranks",
    "sales_lines": "crmreport.analysis.sales_lines",
    "kpi_table": "crmreport.analysis.sales",
    "monthly_sales": "crmreport.analysis.sales_monthly",
    "new_and_repeat": "crmreport.analysis.sales_split",
    "sales_by": "crmreport.analysis.sales_split",
    "sales_by_membership": "crmreport.analysis.sales_split",
    "revenue_tree": "crmreport.analysis.revenue_tree",
    "split_change": "crmreport.analysis.revenue_tree",
    "ctb_profiles": "crmreport.analysis.ctb",
    "ctb_shares": "crmreport.analysis.ctb",
    "cell_prospects": "crmreport.analysis.ctb_cells",
    "cell_sets": "crmreport.analysis.ctb_cells",
    "ctb_cells": "crmreport.analysis.ctb_cells",
    "lead_cells": "crmreport.analysis.ctb_cells",
    "kind_column": "crmreport.analysis.kind_retention",
    "kind_retention": "crmreport.analysis.kind_retention",
    "kind_prospects": "crmreport.analysis.kind_prospects",
    "entry_products": "crmreport.analysis.entry_products",
    "campaign_profit": "crmreport.analysis.campaign.money",
    "holdout_cost": "crmreport.analysis.campaign.money",
    "Costs": "crmreport.analysis.campaign.money",
    "Estimate": "crmreport.analysis.campaign.estimate",
    "counted_once": "crmreport.analysis.campaign.overlap",
    "effects_together": "crmreport.analysis.campaign.overlap",
    "segment_effects": "crmreport.analysis.campaign.heterogeneity",
    "qini_curve": "crmreport.analysis.campaign.uplift",
    "next_send": "crmreport.analysis.campaign.next_send",
    "adjusted_effect": "crmreport.analysis.campaign.observational",
    "difference_in_differences": "crmreport.analysis.campaign.did",
    "area_effect": "crmreport.analysis.campaign.area_effect",
    "Area": "crmreport.analysis.campaign.plan",
    "synthetic_control": "crmreport.analysis.campaign.synthetic",
    "won_back": "crmreport.analysis.campaign.regression_to_mean",
    "before_after": "crmreport.analysis.campaign.regression_to_mean",
    "programme": "crmreport.analysis.campaign.winners_curse",
    "campaign_programme": "crmreport.analysis.campaign.campaign_programme",
    "contact_pressure": "crmreport.analysis.campaign.contact_pressure",
    "evaluate_all": "crmreport.analysis.campaign.evaluate_all",
    "Evidence": "crmreport.analysis.campaign.verdict",
    "judge": "crmreport.analysis.campaign.verdict",
    "Metric": "crmreport.analysis.campaign.metric",
    "check_design": "crmreport.analysis.campaign.design",
    "Window": "crmreport.analysis.campaign.design",
    "compare_arms": "crmreport.analysis.campaign.effects",
    "arm_statistics": "crmreport.analysis.campaign.arms",
    "arm_statistics_by": "crmreport.analysis.campaign.arms",
    "adjust_p_values": "crmreport.analysis.campaign.multiple",
    "always_valid": "crmreport.analysis.campaign.sequential",
    "all_looks": "crmreport.analysis.campaign.sequential",
    "check_guardrail": "crmreport.analysis.campaign.guardrail",
    "mde_reached": "crmreport.analysis.campaign.power",
    "mde_share": "crmreport.analysis.campaign.power",
    "mde_mean": "crmreport.analysis.campaign.power",
    "customers_for_share": "crmreport.analysis.campaign.power",
    "customers_for_mean": "crmreport.analysis.campaign.power",
    "CampaignPlan": "crmreport.analysis.campaign.plan",
    "outcomes": "crmreport.analysis.campaign.outcomes",
    "sample_ratio": "crmreport.analysis.campaign.sample_ratio",
    "evaluate_campaign": "crmreport.analysis.campaign.evaluate",
    "choose_campaign": "crmreport.analysis.campaign.choice",
    "segments_before": "crmreport.analysis.campaign.known_before",
    "share_alternatives": "crmreport.analysis.campaign.alternatives",
    "relative_alternatives": "crmreport.analysis.campaign.alternatives",
    "rank_alternative": "crmreport.analysis.campaign.alternatives",
    "regression_adjusted": "crmreport.analysis.campaign.ancova",
    "effect_on_delivered": "crmreport.analysis.campaign.delivered",
    "message_response": "crmreport.analysis.messages.message_response",
    "response_changes": "crmreport.analysis.messages.response_changes",
    "leading_channel": "crmreport.analysis.messages.response_changes",
    "step_funnel": "crmreport.analysis.messages.step_funnel",
    "cart_abandonment": "crmreport.analysis.messages.cart",
    "open_carts": "crmreport.analysis.messages.open_carts",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'crmreport' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
