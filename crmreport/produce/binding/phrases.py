"""Where a Japanese heading may break: between phrases, never inside a word."""

from __future__ import annotations

import html
import re

_LONGEST = 14
# A row's name shares the width with numbers.
_LONGEST_IN_NAME = 12
_SHORTEST = 4
_KANA = r"ぁ-ん"
# A phrase ends with its particles, in hiragana, or with a punctuation mark; what follows in
# another script begins the next one. お and ご belong to what follows.
_BOUNDARY = re.compile(
    rf"(?:(?<=[{_KANA}])|(?<=[{_KANA}]ー))(?<![おご])(?=[^{_KANA}、。！？）」』】・ー%％])"
    r"|(?<=[、。！？])(?![」』）])|(?<=[）」』])(?=「)"
)
_NAME_BOUNDARY = re.compile(
    rf"(?<=[のをにへとで・、])(?=[^{_KANA}、。）」』】・ー])|(?<=の)(?=[おご])|(?=（)"
)


def phrases(text: str) -> list[str]:
    """Split a sentence where a reader would breathe.

    Examples:
        >>> phrases("上位10%の顧客が売上の51%を占め、その6人に1人が半年来店していない")
        ['上位10%の', '顧客が', '売上の', '51%を', '占め、', 'その', '6人に', '1人が', '半年来店していない']
        >>> phrases("初回購入後のステップメール")
        ['初回購入後の', 'ステップメール']
    """
    return [part for part in _BOUNDARY.split(text) if part]


def marked(text: str) -> str:
    """The sentence as HTML whose lines break between phrases only.

    Examples:
        >>> marked("売上は減少")
        '<span class="ph">売上は</span><span class="ph">減少</span>'
    """
    return _held(phrases(text), _LONGEST)


def marked_name(text: str) -> str:
    """A row's name as HTML that breaks after a particle, a middle dot, or before a bracket.

    Examples:
        >>> marked_name("詰め替え・買い足しのご案内")
        '<span class="ph">詰め替え・</span><span class="ph">買い足しの</span><span class="ph">ご案内</span>'
    """
    return _held([part for part in _NAME_BOUNDARY.split(text) if part], _LONGEST_IN_NAME)


def _held(parts: list[str], longest: int) -> str:
    return "".join(
        f'<span class="ph">{html.escape(p)}</span>' if len(p) <= longest else html.escape(p) for p in parts
    )


def tail_kept(text: str) -> str:
    """The sentence as HTML whose last phrase stays in one piece: no line holds a lonely です。

    Examples:
        >>> tail_kept("条件に変化がなかったかを確かめます。")
        '条件に変化がなかったかを<span class="ph">確かめます。</span>'
    """
    parts = phrases(text)
    last = parts.pop() if parts else ""
    while parts and len(last) < _SHORTEST:
        last = parts.pop() + last
    if len(last) > _LONGEST:
        return html.escape(text)
    return f'{html.escape("".join(parts))}<span class="ph">{html.escape(last)}</span>'


_SENTENCE = re.compile(
    r'(<p class="(?:what|so-what|do-what|said)">|<dd>|<td>(?=[^<]*。))([^<]+)(</p>|</dd>|</td>)'
)
_ROW = re.compile(r'(<th scope="row">)([^<]+)')
_COLUMN = re.compile(r'(<th scope="col"[^>]*>)([^<]+)')
_HEADING = re.compile(r"(<h2\b[^>]*>)([^<]+)(</h2>)")


_AMOUNTS = re.compile(r"(<(?:p|dd|li|span)\b[^>]*>)([^<]*[−+][¥$€£][^<]*)")
_AMOUNT = re.compile(r"[−+][¥$€£][\d.,]*\d")


def signs_kept(page: str) -> str:
    """Hold a sign and its amount together: a line may break between − and ¥, and the sign is lost.

    Examples:
        >>> signs_kept("<p>that is −¥6.9 million</p>")
        '<p>that is <span class="ph">−¥6.9</span> million</p>'
    """
    return _AMOUNTS.sub(lambda m: m[1] + _AMOUNT.sub(r'<span class="ph">\g<0></span>', m[2]), page)


def mark_headings(page: str) -> str:
    """Mark the phrases of headings and of heads of columns and rows, and the last one of every sentence."""
    page = _COLUMN.sub(lambda m: m[1] + marked(html.unescape(m[2])), page)
    page = _ROW.sub(lambda m: m[1] + marked_name(html.unescape(m[2])), page)
    page = _HEADING.sub(lambda m: m[1] + marked(html.unescape(m[2])) + m[3], page)
    return _SENTENCE.sub(lambda m: m[1] + tail_kept(html.unescape(m[2])) + m[3], page)
