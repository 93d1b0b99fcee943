"""Charts: equal input gives equal bytes, every glyph is there, every picture has its words."""

import re
from base64 import b64decode

import pytest

from crmreport.errors import RunError
from crmreport.present import Chart, Style, Words, fonts
from crmreport.present.style import contrast, legible


def chart(text: str = "第1デシル", **changes) -> Chart:
    def draw(axes, words, style):
        axes.bar([0, 1], [51, 49], color=[style.accent, style.greys[2]])
        axes.set_xticks([0, 1], [text, "第2デシル"])
        axes.text(0, 51, words.format(0.51, "pct"), weight="bold")

    given = {
        "id": "decile.share",
        "draw": draw,
        "title": "題",
        "subtitle": "副",
        "note": "注",
        "alt": '説明"',
    }
    return Chart(**(given | changes))


@pytest.mark.parametrize("raster", [False, True], ids=["vector", "raster"])
def test_equal_input_gives_equal_bytes(raster):
    words = Words("ja")
    assert chart(raster=raster).picture(words, Style()) == chart(raster=raster).picture(words, Style())


def test_a_vector_picture_keeps_text_and_carries_its_glyphs():
    media, svg = chart().picture(Words("ja"), Style())
    assert media == "image/svg+xml"
    assert "第1デシル" in svg.decode()
    assert svg.count(b"@font-face") == 2  # regular and bold


def test_a_raster_picture_is_png():
    media, png = chart(raster=True).picture(Words("ja"), Style())
    assert media == "image/png"
    assert png.startswith(b"\x89PNG")


def test_a_glyph_the_font_lacks_is_an_error_naming_text_and_font():
    with pytest.raises(
        RunError, match=r"no glyph for U\+1F600 in NotoSansCJKjp-Regular\.otf.*'好き\[U\+1F600\]'"
    ):
        chart("好き😀").picture(Words("ja"), Style())


def test_the_figure_says_its_message_to_those_who_cannot_see_it():
    html = chart().html(Words("ja"), Style())
    assert 'alt="説明&quot;"' in html
    assert "題" in html
    assert "副" in html
    assert "注" in html
    data = re.search(r"data:image/svg\+xml;base64,([^\"]+)", html)
    assert data
    assert b"<svg" in b64decode(data[1])


def test_drawing_leaves_no_global_state_behind():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    chart().picture(Words("ja"), Style())
    assert dict(mpl.rcParams) == before


def test_a_pale_brand_colour_is_darkened_until_it_can_be_read():
    assert contrast(legible("#ffe600"), "#ffffff") >= 4.5
    assert legible("#8a1c4a") == "#8a1c4a"


def test_ink_on_a_cell_can_be_read():
    style = Style()
    for ground in ("#ffffff", "#000000", "#8a1c4a", "#b6bdc5"):
        assert contrast(style.ink_on(ground), ground) >= 4.5


def test_fonts_are_cut_the_same_way_each_time():
    assert fonts.subset_woff("顧客数123") == fonts.subset_woff("321数客顧")
    assert len(fonts.subset_woff("顧客数123")) < 10_000
