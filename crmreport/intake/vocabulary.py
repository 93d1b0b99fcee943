"""The words clients write for yes and no, for sexes and for prefectures."""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


_SEXES = {
    "female": _words("女 女性 女子 f female woman w 婦人 レディース"),
    "male": _words("男 男性 男子 m male man 紳士 メンズ"),
    "other": _words("その他 他 other x nonbinary non-binary ノンバイナリー"),
    "": _words("不明 未回答 無回答 回答しない 未設定 未入力 unknown u unspecified -"),
}
SEX_WORDS: dict[str, str] = {word: sex for sex, words in _SEXES.items() for word in words}
"""Written forms → 'female', 'male', 'other' or '' (not known)."""

_TRUE = _words(
    "1 true t yes y on ok ○ 〇 ◯ o 有 有り あり 可 可能 許諾 許可 同意 承諾 希望 希望する 希望あり する はい "
    "済 会員 配信可 受信可 受信する 配信する 受け取る 登録 登録済 購読 オプトイン opt-in optin 定期 返品"
)
_FALSE = _words(
    "0 false f no n off ng × ✕ ✗ x 無 無し なし 不可 不可能 不許諾 拒否 未同意 非同意 "
    "不承諾 不要 希望しない 希望なし 受信しない 配信しない しない いいえ 未 非会員 配信不可 受信不可 "
    "受け取らない 未登録 解除 停止 配信停止 オプトアウト opt-out optout 通常 -"
)
FLAG_WORDS: dict[str, bool] = dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False)
"""Written forms of yes and no, lower case after NFKC."""

_PREFECTURES = _words(
    "北海道 青森県 岩手県 宮城県 秋田県 山形県 福島県 茨城県 栃木県 群馬県 埼玉県 千葉県 "
    "東京都 神奈川県 新潟県 富山県 石川県 福井県 山梨県 長野県 岐阜県 静岡県 愛知県 三重県 "
    "滋賀県 京都府 大阪府 兵庫県 奈良県 和歌山県 鳥取県 島根県 岡山県 広島県 山口県 徳島県 "
    "香川県 愛媛県 高知県 福岡県 佐賀県 長崎県 熊本県 大分県 宮崎県 鹿児島県 沖縄県"
)
_ROMAN = _words(
    "hokkaido aomori iwate miyagi akita yamagata fukushima ibaraki tochigi gunma saitama chiba "
    "tokyo kanagawa niigata toyama ishikawa fukui yamanashi nagano gifu shizuoka aichi mie "
    "shiga kyoto osaka hyogo nara wakayama tottori shimane okayama hiroshima yamaguchi tokushima "
    "kagawa ehime kochi fukuoka saga nagasaki kumamoto oita miyazaki kagoshima okinawa"
)


def _prefecture_forms() -> dict[str, str]:
    forms: dict[str, str] = {}
    for code, (name, roman) in enumerate(zip(_PREFECTURES, _ROMAN, strict=True), start=1):
        short = name if name == "北海道" else name[:-1]
        for form in (name, short, roman, f"{code:02d}", str(code)):
            forms[form] = name
    return forms


PREFECTURE_NAMES = frozenset(_PREFECTURES)
PREFECTURE_FORMS = _prefecture_forms()
"""JIS name, name without 都府県, JIS X 0401 code and romanised name → JIS name."""

TOTALS_WORDS = frozenset(_words("合計 総合計 総計 計 小計 合算 total totals sum grandtotal subtotal"))
"""What a totals row is called, lower case and without spaces."""
