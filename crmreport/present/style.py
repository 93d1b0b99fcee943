"""The one look of all charts: ink, one accent for the message, greys for the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from cycler import cycler
from matplotlib import font_manager
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb

from crmreport.present import fonts

INK = "#1f2328"
PAPER = "#ffffff"
GREYS = ("#57606a", "#8c959f", "#b6bdc5", "#d8dde2", "#eef0f2")
DEFAULT_ACCENT = "#8a1c4a"
# Text column of an A4 page with 20 mm margins, in inches.
FULL_WIDTH = 6.69
HALF_WIDTH = 3.25
TEXT_PT = 8.5


def contrast(first: str, second: str) -> float:
    """WCAG 2.2 contrast ratio of two colours, 1 to 21.

    Examples:
        >>> round(contrast("#000000", "#ffffff"), 1)
        21.0
    """
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot(channels, (0.2126, 0.7152, 0.0722)))


def legible(colour: str, *, on: str = PAPER, ratio: float = 4.5) -> str:
    """The colour, darkened until it can be read as text on ``on``.

    Examples:
        >>> legible("#8a1c4a")
        '#8a1c4a'
        >>> contrast(legible("#ffd400"), "#ffffff") >= 4.5
        True
    """
    rgb = np.array(to_rgb(colour))
    for step in np.linspace(1, 0, 51):
        candidate = to_hex(rgb * step)
        if contrast(candidate, on) >= ratio:
            return candidate
    return INK


@dataclass(frozen=True, slots=True)
class Style:
    """Colours of one client's charts.

    Args:
        accent: The client's colour, already legible; used for the message only.
    """

    accent: str = DEFAULT_ACCENT

    @property
    def ink(self) -> str:
        """Text and axes."""
        return INK

    @property
    def greys(self) -> tuple[str, ...]:
        """Five greys, darkest first; marks next to each other use [0] and [2]."""
        return GREYS

    @property
    def sequential(self) -> LinearSegmentedColormap:
        """White to accent; lightness alone carries the order, so grey print keeps it."""
        return LinearSegmentedColormap.from_list("crmreport-sequential", [PAPER, self.accent])

    @property
    def diverging(self) -> LinearSegmentedColormap:
        """Blue below, white at the middle, orange above: safe for colour-blind readers."""
        return LinearSegmentedColormap.from_list("crmreport-diverging", ["#1b5e8c", PAPER, "#b3541e"])

    def ink_on(self, colour: Any) -> str:
        """Ink or paper, whichever can be read on ``colour``."""
        ground = to_hex(colour)
        return INK if contrast(INK, ground) >= contrast(PAPER, ground) else PAPER


def rc() -> dict[Any, Any]:
    """matplotlib settings for one picture."""
    _register_faces()
    return {
        "font.family": [fonts.FAMILY],
        "font.size": TEXT_PT,
        "axes.titlesize": TEXT_PT + 0.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.labelsize": TEXT_PT,
        "xtick.labelsize": TEXT_PT,
        "ytick.labelsize": TEXT_PT,
        "legend.fontsize": TEXT_PT,
        "legend.frameon": False,
        "text.color": INK,
        "axes.edgecolor": GREYS[1],
        "axes.labelcolor": INK,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": False,
        "grid.color": GREYS[3],
        "grid.linewidth": 0.6,
        "xtick.color": INK,
        "ytick.color": INK,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "lines.linewidth": 1.8,
        "patch.linewidth": 0,
        "hatch.linewidth": 0.8,
        "axes.unicode_minus": True,
        "axes.prop_cycle": cycler(color=[GREYS[0], GREYS[1], GREYS[2]]),
        "svg.fonttype": "none",
        "svg.hashsalt": "crmreport",
        "figure.dpi": 100,
        "figure.facecolor": PAPER,
        "savefig.facecolor": PAPER,
    }


def _register_faces() -> None:
    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    for path in fonts.FACES.values():
        if str(path) not in known:
            font_manager.fontManager.addfont(path)
