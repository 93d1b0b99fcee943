"""A chart before it has a language, and the picture it becomes."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text as DrawnText
from matplotlib.ticker import Locator, MaxNLocator

from crmreport.present import fonts
from crmreport.present.style import FULL_WIDTH, HALF_WIDTH, Style, rc
from crmreport.present.text import Text
from crmreport.present.words import Words

# Above this a raster picture is smaller and quicker to print than the vector one.
_SVG_LIMIT = 80_000
_RASTER_DPI = 200


@dataclass(frozen=True)
class Chart:
    """One message, drawn.

    Args:
        id: ``chapter.chart``.
        draw: ``draw(axes, words, style)`` draws on the given Axes (an array of Axes when
            ``panels`` is not (1, 1)); words come from ``words``, never from the code.
        title: The message.
        subtitle: Measure and unit.
        note: Source, n, definition.
        alt: What a reader who cannot see the picture must know.
        size: Width on the page: the text column or half of it.
        height: Inches.
        raster: Draw as PNG (heat maps, scatter, long lines).
        panels: Rows and columns of Axes.
    """

    id: str
    draw: Callable[[Any, Words, Style], None]
    title: Text
    subtitle: Text
    note: Text
    alt: Text
    size: Literal["full", "half"] = "full"
    height: float = 2.9
    raster: bool = False
    panels: tuple[int, int] = (1, 1)

    def picture(self, words: Words, style: Style) -> tuple[str, bytes]:
        """Draw it.

        Returns:
            Media type and bytes; equal input gives equal bytes.

        Raises:
            RunError: A text holds a glyph the font does not have.
        """
        with mpl.rc_context(rc()):
            width = FULL_WIDTH if self.size == "full" else HALF_WIDTH
            # A Figure of its own, not pyplot's: nothing global is left behind.
            figure = Figure(figsize=(width, self.height))
            axes = figure.subplots(*self.panels)
            self.draw(axes, words, style)
            texts = [t for t in figure.findobj(DrawnText) if isinstance(t, DrawnText) and t.get_text()]
            for text in texts:
                fonts.require_glyphs(text.get_text(), _weight(text))
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                if not self.raster:
                    svg = _saved(figure, FigureCanvasSVG(figure), metadata={"Date": None, "Creator": None})
                    if len(svg) <= _SVG_LIMIT:
                        return "image/svg+xml", _with_faces(svg, texts)
                figure.dpi = _RASTER_DPI
                return "image/png", _saved(figure, FigureCanvasAgg(figure), metadata={"Software": None})

    def html(self, words: Words, style: Style) -> str:
        """The figure with its caption, alt text and note."""
        media, data = self.picture(words, style)
        source = f"data:{media};base64,{base64.b64encode(data).decode('ascii')}"
        return (
            f'<figure class="chart {self.size}" id="{_anchor(self.id)}">'
            f'<figcaption><span class="title">{escape(words.say(self.title))}</span>'
            f'<span class="subtitle">{escape(words.say(self.subtitle))}</span></figcaption>'
            f'<img src="{source}" alt="{escape(words.say(self.alt), quote=True)}">'
            f'<p class="note">{escape(words.say(self.note))}</p></figure>'
        )


def few_ticks() -> Locator:
    """At most five steps on an axis: amounts of money are wide."""
    return MaxNLocator(5)


def _saved(figure: Figure, canvas: FigureCanvasBase, *, metadata: dict[str, None]) -> bytes:
    dpi = figure.dpi
    # Not the figure's own layout: savefig would draw the whole picture for it, only to throw that away.
    ConstrainedLayoutEngine().execute(figure)
    out = io.BytesIO()
    figure.savefig(out, format=canvas.get_default_filetype(), dpi=dpi, metadata=metadata)
    return out.getvalue()


def _weight(text: DrawnText) -> fonts.Weight:
    weight = text.get_fontweight()
    return 700 if weight in ("bold", "heavy", "semibold", "black") or weight in range(600, 1000) else 400


def _with_faces(svg: bytes, texts: list[DrawnText]) -> bytes:
    # A picture in <img> cannot use the page's fonts, so it carries the glyphs it shows.
    drawn: dict[fonts.Weight, str] = {}
    for text in texts:
        drawn[_weight(text)] = drawn.get(_weight(text), "") + text.get_text()
    rules = "".join(fonts.font_face_css(chars, weight) for weight, chars in sorted(drawn.items()))
    fallbacks = ", ".join(f"'{name}'" if " " in name else name for name in fonts.FALLBACKS)
    body = svg.decode("utf-8").replace(f"'{fonts.FAMILY}'", f"'{fonts.FAMILY}', {fallbacks}")
    head, defs, tail = body.partition("<defs>")
    return f"{head}{defs}<style>{rules}</style>{tail}".encode()


def _anchor(chart_id: str) -> str:
    return "fig-" + chart_id.replace(".", "-").replace("_", "-")
