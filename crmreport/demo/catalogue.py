"""What the demo shop sells: a fixed catalogue, the same for every seed."""

from __future__ import annotations

import pandas as pd

BASIC, GARDEN, DEW, SUNBEAM, CRIMSON = "花雫ベーシック", "香の庭", "白露", "木洩れ日", "紅の間"
ROSE, LAVENDER, OSMANTHUS, YUZU, MUSK, PLAIN = (
    "ローズ",
    "ラベンダー",
    "金木犀",
    "ゆず",
    "ムスク",
    "無香料",
)
SCENTS = (ROSE, LAVENDER, OSMANTHUS, YUZU, MUSK, PLAIN)
BRANDS = (BASIC, GARDEN, DEW, SUNBEAM, CRIMSON)
SKIN, MAKEUP, BODY, SETS = "スキンケア", "メイクアップ", "ボディ・ヘアケア", "セット"

SERUM, BODY_CREAM, SUNSCREEN = "美容液", "ボディクリーム", "日焼け止め"
GIFT, TRIAL = "ギフトセット", "トライアルセット"

# (major, medium, minor, price, popularity, has a refill, {brand: (scents)}, concerns or finishes)
_LINES: list[tuple[str, str, str, int, float, bool, dict[str, tuple[str, ...]], tuple[str, ...]]] = [
    (SKIN, "クレンジング", "オイル", 2640, 1.0, True,
     {BASIC: (PLAIN, YUZU), GARDEN: (ROSE, LAVENDER), DEW: (PLAIN,)}, ("毛穴", "くすみ")),
    (SKIN, "洗顔料", "フォーム", 1980, 1.1, True,
     {BASIC: (PLAIN, YUZU), GARDEN: (ROSE, LAVENDER), SUNBEAM: (PLAIN,)}, ("毛穴", "敏感")),
    (SKIN, "化粧水", "しっとり", 3300, 1.7, True,
     {BASIC: (PLAIN, LAVENDER), GARDEN: (ROSE, OSMANTHUS, LAVENDER), DEW: (PLAIN, ROSE)}, ("乾燥", "ハリ")),
    (SKIN, "化粧水", "さっぱり", 3080, 1.0, True,
     {BASIC: (PLAIN, YUZU), SUNBEAM: (PLAIN, YUZU)}, ("毛穴", "敏感")),
    (SKIN, SERUM, "保湿美容液", 5940, 0.9, True,
     {BASIC: (PLAIN,), GARDEN: (ROSE, OSMANTHUS), DEW: (PLAIN, ROSE)}, ("乾燥", "ハリ")),
    (SKIN, SERUM, "集中美容液", 9350, 0.45, False,
     {DEW: (PLAIN, ROSE), GARDEN: (OSMANTHUS, LAVENDER)}, ("ハリ", "くすみ")),
    (SKIN, "乳液", "しっとり", 3300, 1.1, True,
     {BASIC: (PLAIN, LAVENDER), GARDEN: (ROSE, LAVENDER), DEW: (PLAIN,)}, ("乾燥", "敏感")),
    (SKIN, "クリーム", "保湿クリーム", 4950, 0.7, True,
     {BASIC: (PLAIN,), GARDEN: (ROSE, LAVENDER), DEW: (PLAIN, ROSE)}, ("乾燥", "ハリ")),
    (SKIN, SUNSCREEN, "ジェル", 1870, 0.35, False,
     {SUNBEAM: (PLAIN, YUZU), BASIC: (PLAIN,)}, ("敏感", "乾燥")),
    (MAKEUP, "ファンデーション", "リキッド", 4180, 0.6, False,
     {CRIMSON: (PLAIN,), SUNBEAM: (PLAIN,)}, ("ツヤ", "マット", "ナチュラル")),
    (MAKEUP, "ファンデーション", "クッション", 4620, 0.4, True,
     {CRIMSON: (PLAIN,)}, ("ツヤ", "ナチュラル")),
    (MAKEUP, "リップ", "口紅", 3520, 0.6, False,
     {CRIMSON: (ROSE, PLAIN), SUNBEAM: (PLAIN,)}, ("ツヤ", "マット")),
    (MAKEUP, "アイメイク", "アイシャドウ", 3080, 0.4, False, {CRIMSON: (PLAIN,)}, ("ツヤ", "マット")),
    (MAKEUP, "フェイスパウダー", "プレスト", 3850, 0.35, True,
     {CRIMSON: (PLAIN,), SUNBEAM: (PLAIN,)}, ("マット", "ナチュラル")),
    (BODY, "ハンドクリーム", "チューブ", 1320, 0.9, False,
     {GARDEN: (ROSE, LAVENDER, OSMANTHUS, YUZU), BASIC: (PLAIN,)}, ("乾燥",)),
    (BODY, BODY_CREAM, "ジャー", 2860, 0.8, False,
     {GARDEN: (ROSE, LAVENDER, MUSK), SUNBEAM: (YUZU, MUSK)}, ("乾燥",)),
    (BODY, "シャンプー", "ボトル", 2200, 0.8, True,
     {GARDEN: (ROSE, LAVENDER, MUSK), SUNBEAM: (YUZU,)}, ("ハリ", "敏感")),
    (BODY, "入浴料", "バスソルト", 1540, 0.45, False,
     {GARDEN: (ROSE, LAVENDER, YUZU), SUNBEAM: (YUZU,)}, ("",)),
    (BODY, "フレグランス", "ミスト", 4400, 0.3, False,
     {GARDEN: (ROSE, LAVENDER, MUSK)}, ("",)),
    (SETS, GIFT, "ギフト", 6600, 0.12, False,
     {GARDEN: (ROSE, LAVENDER), DEW: (PLAIN,), BASIC: (PLAIN,)}, ("",)),
    (SETS, "スキンケアセット", "基本3点", 8800, 0.18, False,
     {BASIC: (PLAIN,), GARDEN: (ROSE,), DEW: (PLAIN,)}, ("乾燥",)),
]  # fmt: skip

# Prices are those since the revision of October 2025; see orders.py.
_COST_RATE = {SKIN: 0.27, MAKEUP: 0.31, BODY: 0.36, SETS: 0.38}
REFILL_PRICE = 0.82


def catalogue() -> pd.DataFrame:
    """All products, one row each, in the order of their codes.

    Returns:
        product_id, name, category_major, category_medium, category_small, scent, concern,
        brand, price (list price today, JPY, tax included), cost (JPY), kind (本体, 詰め替え,
        セット, トライアル, サンプル, 送料), popularity (weight in a basket; 0 = never drawn).
    """
    rows: list[tuple[str, str, str, str, str, str, str, int, int, str, float]] = []
    for major, medium, minor, price, popularity, refill, brands, concerns in _LINES:
        variants = [(b, s, c) for b, scents in brands.items() for s in scents for c in concerns]
        for brand, scent, concern in variants:
            dear = {DEW: 1.5, GARDEN: 1.1, SUNBEAM: 0.9}.get(brand, 1.0)
            list_price = round(price * dear / 110) * 110
            weight = popularity / len(variants)
            kind = "セット" if major == SETS else "本体"
            name = " ".join(part for part in (brand, medium, minor, scent, concern) if part)
            if major == SETS:
                scent, concern = "", ""  # a set mixes them, so the master gives none
            rows.append((name, major, medium, minor, scent, concern, brand, list_price,
                         round(list_price / 1.1 * _COST_RATE[major]), kind, weight))  # fmt: skip
            if refill:
                less = round(list_price * REFILL_PRICE / 10) * 10
                cost = round(less / 1.1 * _COST_RATE[major] * 0.9)
                rows.append((f"{name} 詰め替え", major, medium, minor, scent, concern, brand, less,
                             cost, "詰め替え", weight * 0.7))  # fmt: skip
    rows += [
        ("はじめてのトライアルセット", SETS, TRIAL, "7日間", "", "", "", 1650, 780, "トライアル", 0.0),
        ("香りのトライアルセット", SETS, TRIAL, "7日間", "", "", "", 1980, 900, "トライアル", 0.0),
        ("化粧水 お試しサンプル", SKIN, "サンプル", "サンプル", "", "", BASIC, 0, 45, "サンプル", 0.0),
        ("クリーム お試しサンプル", SKIN, "サンプル", "サンプル", "", "", DEW, 0, 60, "サンプル", 0.0),
        ("送料", "その他", "送料", "送料", "", "", "", 550, 550, "送料", 0.0),
    ]
    frame = pd.DataFrame(rows, columns=[
        "name", "category_major", "category_medium", "category_small", "scent", "concern", "brand",
        "price", "cost", "kind", "popularity",
    ])  # fmt: skip
    prefix = frame["category_major"].map({SKIN: 1, MAKEUP: 2, BODY: 3, SETS: 4, "その他": 9})
    frame.insert(0, "product_id", [f"{p}{i + 1:06d}" for i, p in enumerate(prefix)])
    return frame
