"""The report's typeface: Noto Sans CJK JP, regular and bold, from two PyPI packages.

Pictures and pages embed the glyphs they use, so a report looks the same on a
machine without Japanese fonts. A glyph the face does not have is an error, never a box.
"""

from __future__ import annotations

import base64
import io
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import uharfbuzz
from fontTools.ttLib import TTFont

from crmreport.errors import RunError

# The extension module has no type stubs.
hb: Any = uharfbuzz

FAMILY = "Noto Sans CJK JP"
# What a reader's own machine may have instead, when a notebook is opened without embedded glyphs.
FALLBACKS = ("Hiragino Sans", "Yu Gothic", "Meiryo", "sans-serif")
Weight = Literal[400, 700]

FACES: dict[Weight, Path] = {
    400: Path(str(resources.files("noto_cjk_sans_jp_regular"))) / "NotoSansCJKjp-Regular.otf",
    700: Path(str(resources.files("noto_cjk_sans_jp_bold"))) / "NotoSansCJKjp-Bold.otf",
}


_FEATURES = (b"kern", b"tnum", b"palt", b"ccmp", b"locl", b"mark", b"mkmk")


@cache
def _face(weight: Weight) -> Any:
    return hb.Face(hb.Blob.from_file_path(str(FACES[weight])))


@cache
def _covered(weight: Weight) -> frozenset[int]:
    return frozenset(_face(weight).unicodes)


def missing_glyphs(text: str, weight: Weight = 400) -> str:
    """The characters of ``text`` the face cannot draw, in order of appearance.

    Examples:
        >>> missing_glyphs("優良顧客 51%")
        ''
    """
    known = _covered(weight)
    return "".join(dict.fromkeys(c for c in text if c.isprintable() and ord(c) not in known))


def require_glyphs(text: str, weight: Weight = 400) -> None:
    """Refuse a text that would show boxes.

    Raises:
        RunError: The face lacks a glyph; text and font are named.
    """
    if missing := missing_glyphs(text, weight):
        where = text.find(missing[0])
        excerpt = text[max(0, where - 12) : where + 12].strip()
        # By code point: the partial report that says why must be drawn in the same face.
        codes = {c: f"U+{ord(c):04X}" for c in missing}
        excerpt = "".join(f"[{codes[c]}]" if c in codes else c for c in excerpt)
        raise RunError(
            f"no glyph for {', '.join(codes.values())} in {FACES[weight].name}; "
            f"found in {excerpt!r}; replace the character in the client's files, "
            "or this value under codes: in client.yml"
        )


def subset_woff(text: str, weight: Weight = 400) -> bytes:
    """The face cut down to the characters of ``text``, as WOFF.

    WOFF2 is an eighth smaller and takes a hundred times as long: a second for a Japanese page.
    """
    wanted = hb.SubsetInput()
    wanted.unicode_set.update(ord(c) for c in set(text) if c.isprintable())
    # Vertical and old-style alternates would double the bytes of every page.
    wanted.layout_feature_tag_set.clear()
    wanted.layout_feature_tag_set.update(int.from_bytes(tag, "big") for tag in _FEATURES)
    # Without shared subroutines the outlines are the same and compress to less.
    wanted.flags = hb.SubsetFlags.DESUBROUTINIZE
    cut = hb.subset(_face(weight), wanted)
    font = TTFont(io.BytesIO(cut.blob.data), recalcTimestamp=False)
    font.flavor = "woff"
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


def font_face_css(text: str, weight: Weight = 400, *, family: str = FAMILY) -> str:
    """An ``@font-face`` rule with the glyphs of ``text`` as a data URI."""
    data = base64.b64encode(subset_woff(text, weight)).decode("ascii")
    return (
        f'@font-face{{font-family:"{family}";font-weight:{weight};'
        f"src:url(data:font/woff;base64,{data}) format('woff')}}"
    )
