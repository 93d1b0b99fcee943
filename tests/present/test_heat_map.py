from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from crmreport.present.heat_map import draw_heat_map
from crmreport.present.style import Style, contrast
from crmreport.present.words import Words

MATRIX = pd.DataFrame([[1.0, 0.02, np.nan], [0.5, 0.0, 0.25]])


@pytest.mark.parametrize("top", [None, 1.15])
def test_each_number_stands_legibly_on_its_field_and_a_blank_has_none(top):
    style = Style()
    figure, ax = plt.subplots()
    draw_heat_map(ax, MATRIX, Words("en"), style, spec="pct", top=top)
    said = {(round(t.get_position()[1]), round(t.get_position()[0])): t for t in ax.texts}
    assert {place: t.get_text() for place, t in said.items()} == {
        (0, 0): "100.0%", (0, 1): "2.0%", (1, 0): "50.0%", (1, 1): "0.0%", (1, 2): "25.0%",
    }  # fmt: skip
    (image,) = ax.get_images()
    assert image.get_array().mask.tolist() == [[False, False, True], [False, False, False]]
    assert image.get_clim() == (0, 1.0 if top is None else top)
    for place, text in said.items():
        if MATRIX.iloc[place]:
            ground = style.sequential(MATRIX.iloc[place] / image.get_clim()[1])[:3]
            assert contrast(hex_of(to_rgb(text.get_color())), hex_of(ground)) >= 3
    plt.close(figure)


def test_a_matrix_of_blanks_and_zeros_is_drawn():
    figure, ax = plt.subplots()
    draw_heat_map(ax, pd.DataFrame([[np.nan, 0.0]]), Words("ja"), Style(), spec="count")
    assert [t.get_text() for t in ax.texts] == ["0"]
    plt.close(figure)


def hex_of(rgb: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb[:3])
