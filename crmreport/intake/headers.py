"""The headers clients use, Japanese and English, for each canonical column."""

from __future__ import annotations

import re
import unicodedata

from crmreport.intake.tables import Table


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _amounts(text: str) -> tuple[str, ...]:
    """Words for an amount, then the same words with what headers add about tax and currency."""
    words = _split(text)
    forms = ("{}(円)", "{}(税込)", "{}(税込み)", "{}(税込円)", "{}税込", "税込{}")
    forms += ("{}(税抜)", "{}(税抜き)", "{}(税抜円)", "{}(税別)", "{}税抜", "税抜{}")
    japanese = [w for w in words if not w.isascii() and "税" not in w]
    return tuple(dict.fromkeys((*words, *(f.format(w) for f in forms for w in japanese))))


_CUSTOMER = _split(
    "customer_id 会員番号 会員id 会員no 会員コード 顧客id 顧客番号 顧客コード 顧客no "
    "得意先コード お客様番号 カード番号 会員カード番号 ユーザーid customer customerid "
    "cust_id customer_no customer_number customer_code member_id memberid member_no "
    "user_id userid client_id household_id account_id"
)
_PRODUCT = _split(
    "product_id 商品コード 商品番号 商品id 商品no 品番 jan janコード 商品cd 単品コード "
    "sku skuコード product product_code product_cd productid product_no item_id item_code "
    "item stockcode sku_id"
)
_SOURCE = _split(
    "source 参照元 流入元 流入経路 流入チャネル リファラ リファラー 媒体 utm_source referrer referer medium"
)
HEADERS: dict[Table, dict[str, tuple[str, ...]]] = {
    "order_lines": {
        "customer_id": _CUSTOMER,
        "order_id": _split(
            "order_id 伝票番号 注文番号 受注番号 注文id 受注id オーダー番号 レシート番号 取引番号 "
            "売上番号 購入番号 伝票no 注文no レシートno レシートid 取引no 予約番号 "
            "orderid order_no order_number invoice invoiceno invoice_no receipt_no receipt_id basket_id "
            "transaction_id trans_id reserve_id"
        ),
        "ordered_at": _split(
            "ordered_at 購入日時 購入日 受注日時 受注日 注文日時 注文日 売上日時 売上日 取引日時 "
            "取引日 購買日 購買日時 販売日 利用日 来店日 伝票日付 計上日 お買上日 買上日 お買上げ日 買上日時 "
            "お買上日時 order_date orderdate "
            "order_datetime ordered_date purchase_date purchased_at transaction_date "
            "transaction_timestamp invoicedate invoice_date sales_date sales_ymd date "
            "reserve_datetime"
        ),
        "revenue": _amounts(
            "revenue 金額 金額(税込) 売上金額 売上額 購入金額 合計金額 税込金額 税込 販売金額 "
            "売上 受注金額 注文金額 小計 支払金額 お支払金額 利用金額 ご利用金額 お買上金額 買上金額 "
            "お買上げ金額 買上げ金額 お買い上げ金額 買い上げ金額 ご購入金額 お買上額 買上額 "
            "金額(税抜) 税抜金額 amount sales "
            "sales_value sales_amount total total_price total_amount price_total net_sales"
        ),
        "quantity": _split("quantity 数量 個数 購入数量 購入数 売上数量 点数 販売数 qty units"),
        "unit_price": _split("unit_price 単価 販売単価 売単価 商品単価 unitprice price"),
        "discount": _split(
            "discount 値引額 値引 割引額 割引 クーポン値引 値引金額 discount_amount retail_disc"
        ),
        "cost": _split("cost 原価 仕入原価 売上原価 unit_cost"),
        "product_id": _PRODUCT,
        "channel": _split("channel チャネル 販売チャネル 販路 購入チャネル 経路 sales_channel"),
        "store_id": _split(
            "store_id 店舗コード 店舗id 店舗番号 店コード 店舗no 店舗 店舗cd store store_cd "
            "store_code shop_id shop_code hotel_id 店舗名 店舗名称 ショップ名 店名 store_name shop_name"
        ),
        "coupon_id": _split("coupon_id クーポンコード クーポンid クーポン番号 coupon_code coupon"),
        "campaign_id": _split(
            "campaign_id キャンペーンコード キャンペーンid 施策コード campaign_code campaign"
        ),
        "is_subscription": _split("is_subscription 定期区分 定期フラグ 定期購入 定期 subscription"),
        "is_return": _split("is_return 返品区分 返品フラグ 返品 return_flag returned is_returned"),
        "returned_order_id": _split(
            "returned_order_id 元伝票番号 返品元伝票番号 元注文番号 original_order_id"
        ),
    },
    "customers": {
        "customer_id": _CUSTOMER,
        "sex": _split("sex 性別 性別コード 性別区分 gender gender_cd"),
        "birth_date": _split("birth_date 生年月日 誕生日 birthday birth_day date_of_birth dob birthdate"),
        "age_band": _split("age_band 年代 年齢層 年齢区分 age_group"),
        "postal_code": _split("postal_code 郵便番号 〒 postal_cd zip zip_code zipcode postcode post_code"),
        "prefecture": _split("prefecture 都道府県 都道府県名 都道府県コード 県名 pref prefecture_cd"),
        "joined_at": _split(
            "joined_at 入会日 登録日 会員登録日 入会年月日 入会日時 登録日時 application_date "
            "join_date joined registered_at created_at signup_date"
        ),
        "acquisition_source": _split(
            "acquisition_source 入会経路 獲得経路 流入元 流入経路 登録経路 入会チャネル 広告媒体 "
            "acquisition_channel"
        ),
        "rank": _split("rank 会員ランク ランク 会員ステージ ステージ 会員種別 member_rank tier"),
        "is_member": _split("is_member 会員区分 会員フラグ 会員"),
        "consent_mail": _split(
            "consent_mail メール配信 メール配信可否 メール許諾 メール配信希望 メルマガ メルマガ配信 "
            "メルマガ購読 メルマガ希望 メルマガ配信希望 メールマガジン メールマガジン配信 "
            "メールマガジン購読 メールマガジン希望 "
            "dm(メール) mail_opt_in email_consent email_opt_in mail_permission"
        ),
        "consent_line": _split("consent_line line配信 line許諾 line連携 line_opt_in"),
        "consent_sms": _split("consent_sms sms配信 sms許諾 sms_opt_in"),
        "consent_dm": _split("consent_dm dm送付 dm許諾 dm可否 dm配信 郵送dm ダイレクトメール dm_opt_in"),
    },
    "products": {
        "product_id": _PRODUCT,
        "name": _split("name 商品名 品名 商品名称 名称 product_name item_name description"),
        "category_major": _split(
            "category_major 大分類 大カテゴリ 大分類名 部門 部門名 カテゴリ カテゴリー 商品分類 "
            "category department category_major_name"
        ),
        "category_medium": _split(
            "category_medium 中分類 中カテゴリ 中分類名 category_medium_name product_category "
            "sub_category subcategory"
        ),
        "category_small": _split(
            "category_small 小分類 小カテゴリ 小分類名 category_small_name product_type"
        ),
        "taste_color": _split("taste_color 色 カラー color colour"),
        "taste_size": _split("taste_size サイズ size"),
        "taste_scent": _split("taste_scent 香り フレグランス scent"),
        "taste_material": _split("taste_material 素材 material"),
        "taste_pattern": _split("taste_pattern 柄 pattern"),
        "taste_shape": _split("taste_shape 形 形状 shape"),
        "brand": _split("brand ブランド ブランド名 メーカー メーカー名 brand_name maker manufacturer"),
        "price": _split("price 価格 税込価格 販売価格 定価 単価 上代 税抜価格 unit_price list_price"),
        "cost": _split("cost 原価 仕入価格 下代 unit_cost"),
        "kind": _split("kind 商品区分 区分 商品種別 product_kind"),
    },
    "sends": {
        "campaign_id": _split(
            "campaign_id キャンペーンid キャンペーンコード キャンペーン番号 キャンペーンno キャンペーンcd "
            "配信id 配信番号 配信コード 配信no 施策id 施策コード 施策番号 メールid メルマガid シナリオid "
            "キャンペーン キャンペーン名 配信名 施策名 シナリオ名 campaign_code campaign campaign_name "
            "mailing_id delivery_id broadcast_id message_id"
        ),
        "customer_id": _CUSTOMER,
        "arm": _split(
            "arm 群 アーム 配信群 テスト群 実験群 割付 割付群 割付け 割当 割当群 割り当て パターン "
            "配信パターン abテスト abパターン セル バリアント グループ 対象区分 対照区分 variant group cell "
            "test_group treatment test_cell"
        ),
        "sent_at": _split(
            "sent_at 配信日時 配信日 送信日時 送信日 送付日時 送付日 配信時刻 送信時刻 割付日時 割付日 "
            "抽選日時 抽選日 配信開始日時 発信日時 sent send_at send_date send_time sent_date sent_time "
            "senddate send_datetime delivery_date assigned_at"
        ),
        "step": _split(
            "step ステップ ステップ番号 ステップno 配信ステップ 通数 回数 配信回 何通目 step_no step_number"
        ),
        "delivered_at": _split(
            "delivered_at 到達日時 到達日 着信日時 受信日時 配達日時 配達日 配信完了日時 delivered "
            "delivered_date"
        ),
        "opened_at": _split(
            "opened_at 開封日時 開封日 初回開封日時 既読日時 閲覧日時 opened open_at open_date open_time "
            "opened_date first_open_at read_at"
        ),
        "clicked_at": _split(
            "clicked_at クリック日時 クリック日 初回クリック日時 タップ日時 clicked click_at click_date "
            "click_time clicked_date first_click_at tapped_at"
        ),
        "unsubscribed_at": _split(
            "unsubscribed_at 配信停止日時 配信停止日 配信解除日時 解除日時 解除日 購読解除日時 退会日時 "
            "ブロック日時 オプトアウト日時 unsubscribed unsubscribe_at unsubscribe_date optout_at opt_out_at "
            "blocked_at"
        ),
        "bounced": _split(
            "bounced 不達 不達フラグ 配信エラー エラーフラグ バウンス バウンスフラグ bounce is_bounced "
            "bounce_flag hard_bounce"
        ),
        "machine_open": _split(
            "machine_open 機械開封 自動開封 機械開封フラグ 自動開封フラグ プライバシー開封 mpp mpp開封 "
            "is_machine_open mpp_open apple_mpp bot_open"
        ),
    },
    "web_events": {
        "customer_id": _CUSTOMER,
        "visitor_id": _split(
            "visitor_id 訪問者id ビジターid クッキーid ブラウザid 匿名id cookie_id cookie anonymous_id "
            "user_pseudo_id device_id"
        ),
        "at": _split(
            "at アクセス日時 発生日時 イベント日時 行動日時 閲覧日時 訪問日時 日時 タイムスタンプ event_at "
            "event_time event_datetime event_timestamp event_date accessed_at occurred_at timestamp"
        ),
        "event": _split(
            "event イベント イベント名 イベント種別 行動 行動種別 アクション event_name event_type action "
            "activity"
        ),
        "product_id": _PRODUCT,
        "source": _SOURCE,
    },
}


def plain(header: str) -> str:
    """A header without what does not matter: width, case, spaces, underscores, hyphens.

    Examples:
        >>> plain("Customer ID") == plain("customer_id"), plain("金額（税込）")
        (True, '金額(税込)')
    """
    return re.sub(r"[\s_\-・./]", "", unicodedata.normalize("NFKC", header).lower())


_KNOWN: dict[Table, dict[str, tuple[str, int]]] = {
    table: {
        plain(word): (column, rank) for column, words in columns.items() for rank, word in enumerate(words)
    }
    for table, columns in HEADERS.items()
}


_NAMES = frozenset(
    plain(word) for word in ("店舗名", "店舗名称", "ショップ名", "店名", "store_name", "shop_name")
)
"""Names that stand for a code where there is no code; beside one they are no second candidate."""


def match_headers(table: Table, headers: list[str]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Canonical column → header, and where several headers would do: column → all of them, best first.

    Examples:
        >>> match_headers("products", ["商品コード", "品名", "x"])
        ({'product_id': '商品コード', 'name': '品名'}, {})
    """
    candidates: dict[str, list[tuple[int, str]]] = {}
    for header in headers:
        if found := _KNOWN[table].get(plain(header)):
            candidates.setdefault(found[0], []).append((found[1], header))
    order = [c for c in HEADERS[table] if c in candidates]
    ranked = {c: [h for _, h in sorted(candidates[c], key=lambda pair: pair[0])] for c in order}
    ranked = {c: [h for h in hs if plain(h) not in _NAMES] or hs for c, hs in ranked.items()}
    return {c: hs[0] for c, hs in ranked.items()}, {c: hs for c, hs in ranked.items() if len(hs) > 1}
