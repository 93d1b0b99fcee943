"""A page of our own beside the reports: their look, their typeface, nothing from outside."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup

from crmreport.present import fonts
from crmreport.produce.binding.html import TEMPLATES, policy

_ALWAYS = "".join(map(chr, range(0x20, 0x7F))) + "–−…·•↑↓"
_INDENT = re.compile(r"\s*\n\s*")


def render(template: str, *, style: str, script: str = "", **values: Any) -> str:
    """Fill a template, with style sheet, script and policy in it; the typeface is left to :func:`embed`.

    Args:
        template: Path under templates/.
        style: Style sheet under templates/, after the reports' own.
        script: Script under templates/; none when not given.
        values: What the template shows; escaped there.
    """
    sheet = asset("report/style.css") + asset(style)
    code = asset(script) if script else ""
    page = (
        _environment()
        .get_template(template)
        .render(style=Markup(sheet), script=Markup(code), csp=policy(code), **values)
    )
    return _tidy(page)


def embed(page: str) -> str:
    """Put the glyphs of a page into it; a character the typeface lacks is left to the reader's machine."""
    return page.replace("/*fonts*/", face_rules(page), 1)


def face_rules(text: str) -> str:
    """Style rules with the glyphs of a text, regular and bold."""
    return _cut("".join(sorted(set(text) | set(_ALWAYS))))


@cache
def _cut(characters: str) -> str:
    return fonts.font_face_css(characters, 400) + fonts.font_face_css(characters, 700)


@cache
def asset(name: str) -> str:
    """A style sheet or script of ours."""
    return _tidy((TEMPLATES / name).read_text(encoding="utf-8"))


def _tidy(text: str) -> str:
    # The script is tidied before its hash is taken; tidying the page does not change it again.
    return _INDENT.sub("\n", text).strip() + "\n"


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        # Names of clients and files come from outside.
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
