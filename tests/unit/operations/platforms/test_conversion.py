"""Conversion of files from shop platforms and analytics to data files."""

import csv
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.runtime.errors import InvalidInput
from cli import terminal
from operations import progress
from operations.ingest.csv_format import PLAIN
from operations.ingest.platforms.converting import convert, format_of
from operations.ingest.platforms.formats import FORMATS
from operations.ingest.platforms.values import amount, level, times
from operations.ingest.sources import LocalFile

GOOGLE_TEXT = """id\ttitle\tdescription\tlink\timage_link\tavailability\tprice\t\
sale_price\tbrand\tproduct_type\tgtin
w-1\tBoots\t<b>Warm</b> boots\thttps://s/w-1\thttps://s/w-1.jpg\tin stock\t15.00 USD\t12.50 USD\t\
Acme\tShoes > Winter > Boots\t123
w-2\tSocks\t\thttps://s/w-2\t\tout_of_stock\t4.00 USD\t\tAcme\t\t
"""
GOOGLE_FEED = """<?xml version="1.0"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel><title>Shop</title>
<item><g:id>w-1</g:id><title>Boots</title><g:price>15.00 USD</g:price><g:availability>in_stock</g:availability>
<g:google_product_category>187</g:google_product_category><g:item_group_id>w</g:item_group_id></item>
</channel></rss>"""
SHOPIFY = """Handle,Title,Body (HTML),Vendor,Type,Tags,Option1 Name,\
Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price,Image Src,Status
boots,Boots,<p>Warm &amp; dry</p>,Acme,Shoes,"wool, winter",Size,38,B-38,4,15.00,https://s/1.jpg,active
boots,,,,,,,39,B-39,0,15.50,https://s/2.jpg,
boots,,,,,,,,,,,https://s/3.jpg,
gift-card,Gift card,,Acme,,,Title,Default Title,,,10.00,,active
old,Old boots,,Acme,Shoes,,Title,Default Title,O-1,0,5.00,,draft
"""
WOOCOMMERCE = """ID,Type,SKU,Name,Published,Short description,In stock?,\
Sale price,Regular price,Categories,Tags,Images,Parent
7,variable,B,Boots,1,Warm,1,,15,"Shoes > Winter, Sale","wool, winter","https://s/1.jpg, https://s/2.jpg",
8,variation,B-38,Boots 38,1,,1,,15,,,,id:7
9,simple,S,Socks,1,,0,3.5,4,Socks,,,
10,simple,D,Draft,-1,,1,,4,,,,
"""
ORDERS = """Name,Email,Financial Status,Created at,Lineitem quantity,Lineitem name,\
Lineitem price,Lineitem sku,Cancelled at
#1,Ann@example.com,paid,2026-05-01 12:00:00 -0400,2,Boots,15.00,B-38,
#1,,,2026-05-01 12:00:00 -0400,1,Socks,4.00,S,
#2,bob@example.com,refunded,2026-05-02 12:00:00 -0400,1,Socks,4.00,S,
#3,bob@example.com,paid,2026-05-03 12:00:00 -0400,1,Socks,4.00,S,2026-05-03 13:00:00 -0400
"""


def ga4(name, *items, user="ann", **parameters):
    values = [
        {"key": key, "value": {"int_value" if isinstance(value, int) else "string_value": value}}
        for key, value in parameters.items()
    ]
    return {
        "event_name": name, "event_timestamp": "1777651200123456", "user_id": user, "user_pseudo_id": "browser-1",
        "event_params": values, "items": list(items), "device": {"category": "mobile"},
    }  # fmt: skip


def segment(event, user="ann", **properties):
    return {
        "type": "track", "event": event, "userId": user, "anonymousId": "browser-1", "messageId": "m-1",
        "timestamp": "2026-05-01T16:00:00.123Z", "properties": properties,
    }  # fmt: skip


def converted(path, name, form=PLAIN):
    written = convert(LocalFile(path), FORMATS[name], form)
    with written.open(encoding="utf-8", newline="") as file:
        return [{key: text for key, text in row.items() if text} for row in csv.DictReader(file)]


def write(path, content):
    text = content if isinstance(content, str) else "".join(f"{json.dumps(each)}\n" for each in content)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["products.tsv", "products.txt.gz"])
def test_google_merchant_text_has_prices_categories_and_stock(tmp_path, name):
    assert converted(write(tmp_path / name, GOOGLE_TEXT), "google-merchant") == [
        {
            "ITEM_ID": "w-1", "TITLE": "Boots", "DESCRIPTION": "Warm boots", "BRAND": "Acme", "CATEGORY_L1": "Shoes",
            "CATEGORY_L2": "Winter", "CATEGORY_L3": "Boots", "PRICE": "12.50", "IN_STOCK": "true", "PARENT_ID": "w-1",
            "IMAGE_URL": "https://s/w-1.jpg", "URL": "https://s/w-1",
        },
        {
            "ITEM_ID": "w-2", "TITLE": "Socks", "BRAND": "Acme", "PRICE": "4.00", "IN_STOCK": "false",
            "PARENT_ID": "w-2", "URL": "https://s/w-2",
        },
    ]  # fmt: skip


def test_google_merchant_xml_omits_category_numbers(tmp_path):
    assert converted(write(tmp_path / "feed.xml", GOOGLE_FEED), "google-merchant") == [
        {"ITEM_ID": "w-1", "TITLE": "Boots", "PRICE": "15.00", "IN_STOCK": "true", "PARENT_ID": "w"}
    ]


def test_shopify_variants_have_the_fields_of_their_product(tmp_path):
    small, large, card = converted(write(tmp_path / "products_export.csv", SHOPIFY), "shopify")

    assert small == {
        "ITEM_ID": "B-38", "TITLE": "Boots", "DESCRIPTION": "Warm & dry", "BRAND": "Acme", "CATEGORY_L1": "Shoes",
        "TAGS": "wool|winter", "PRICE": "15.00", "STOCK": "4", "VARIANT": "38", "PARENT_ID": "boots",
        "IMAGE_URL": "https://s/1.jpg",
    }  # fmt: skip
    assert large == small | {
        "ITEM_ID": "B-39", "PRICE": "15.50", "STOCK": "0", "VARIANT": "39", "IMAGE_URL": "https://s/2.jpg",
    }  # fmt: skip
    assert card == {
        "ITEM_ID": "gift-card",
        "TITLE": "Gift card",
        "BRAND": "Acme",
        "PRICE": "10.00",
        "PARENT_ID": "gift-card",
    }


def test_woocommerce_products_omit_variations_and_drafts(tmp_path):
    assert converted(write(tmp_path / "products.csv", WOOCOMMERCE), "woocommerce") == [
        {
            "ITEM_ID": "7", "TITLE": "Boots", "DESCRIPTION": "Warm", "CATEGORY_L1": "Shoes", "CATEGORY_L2": "Winter",
            "TAGS": "wool|winter", "PRICE": "15", "IN_STOCK": "true", "SKU": "B", "IMAGE_URL": "https://s/1.jpg",
        },
        {"ITEM_ID": "9", "TITLE": "Socks", "CATEGORY_L1": "Socks", "PRICE": "3.5", "IN_STOCK": "false", "SKU": "S"},
    ]  # fmt: skip


def test_shopify_orders_hash_addresses_and_omit_refunds(tmp_path):
    ann = "71d4f55f"
    boots, socks = converted(write(tmp_path / "orders_export.csv", ORDERS), "shopify-orders")

    assert boots["USER_ID"] == socks["USER_ID"]
    assert boots["USER_ID"].startswith(ann)
    assert len(boots["USER_ID"]) == 64
    del boots["USER_ID"], socks["USER_ID"]
    common = {"TIMESTAMP": "2026-05-01 12:00:00-0400", "EVENT_TYPE": "purchase"}
    assert boots == common | {"ITEM_ID": "B-38", "EVENT_VALUE": "30.00"}
    assert socks == common | {"ITEM_ID": "S", "EVENT_VALUE": "4.00"}


def test_ga4_events_have_a_row_for_each_item(tmp_path):
    events = [
        ga4("view_item", {"item_id": "B-38", "price": 15}, user=None, ga_session_id=7),
        ga4("purchase", {"item_id": "B-38", "price": 15, "quantity": 2}, {"item_id": "S"}),
        ga4("view_search_results", search_term="boots"),
        ga4("scroll"),
    ]
    ann = {"USER_ID": "ann", "TIMESTAMP": "1777651200123"}

    assert converted(write(tmp_path / "events.jsonl", events), "ga4") == [
        ann | {"USER_ID": "browser-1", "ITEM_ID": "B-38", "EVENT_TYPE": "view", "SESSION_ID": "7"},
        ann | {"ITEM_ID": "B-38", "EVENT_TYPE": "purchase", "EVENT_VALUE": "30"},
        ann | {"ITEM_ID": "S", "EVENT_TYPE": "purchase"},
        ann | {"EVENT_TYPE": "search", "QUERY": "boots"},
    ]


def test_segment_calls_have_a_row_for_each_product(tmp_path):
    calls = [
        segment("Product Viewed", user=None, product_id="B-38", price=15),
        segment("Order Completed", products=[{"product_id": "B-38", "price": 15, "quantity": 2}, {"sku": "S"}]),
        segment("Products Searched", query="boots"),
        {"type": "page", "name": "Home", "anonymousId": "browser-1"},
    ]
    ann = {"USER_ID": "ann", "TIMESTAMP": "2026-05-01T16:00:00.123Z", "EVENT_ID": "m-1"}

    assert converted(write(tmp_path / "calls.json", calls), "segment") == [
        ann | {"USER_ID": "browser-1", "ITEM_ID": "B-38", "EVENT_TYPE": "view"},
        ann | {"ITEM_ID": "B-38", "EVENT_TYPE": "purchase", "EVENT_VALUE": "30"},
        ann | {"ITEM_ID": "S", "EVENT_TYPE": "purchase", "EVENT_ID": "m-1-1"},
        ann | {"EVENT_TYPE": "search", "QUERY": "boots"},
    ]


def test_conversion_reports_unused_fields_and_omitted_records(tmp_path, monkeypatch, capsys):
    progress.report_to(terminal)
    monkeypatch.chdir(tmp_path)
    convert(LocalFile(write(Path("orders.csv"), ORDERS)), FORMATS["shopify-orders"], PLAIN)

    assert capsys.readouterr().err.splitlines() == [
        "orders.csv: 2 rows written to orders.interactions.csv, which is imported",
        "orders.csv: 1 record left out: Financial Status is refunded",
        "orders.csv: 1 record left out: the order is cancelled",
        "orders.csv: unused fields: Lineitem name",
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("google-merchant", "a,b\n1,2\n", "has no field of the format google-merchant, such as 'id'"),
        ("google-merchant", "<rss><item>", "cannot be read as XML"),
        ("ga4", '{"event_name": "view_item"}\n[1]\n', "line 2 is list, expected a JSON object per line"),
        ("segment", "{", "line 1 is not a JSON object"),
    ],
)
def test_unreadable_file_is_refused_with_its_line(tmp_path, name, content, message):
    path = write(tmp_path / "file.csv", content)

    with pytest.raises(InvalidInput, match=message):
        convert(LocalFile(path), FORMATS[name], PLAIN)
    assert [each.name for each in tmp_path.iterdir()] == ["file.csv"]


def test_conversion_keeps_a_file_with_a_similar_name(tmp_path):
    path = write(tmp_path / "shop.items.csv", SHOPIFY)

    assert converted(path, "shopify")
    assert path.read_text() == SHOPIFY
    assert (tmp_path / "shop.items.items.csv").exists()


def test_unknown_format_error_has_the_formats_of_the_dataset():
    message = "'shopfy', expected one of google-merchant, shopify, woocommerce for items; did you mean shopify"
    with pytest.raises(InvalidInput, match=message):
        format_of("shopfy", "items")
    with pytest.raises(InvalidInput, match="expected one of ga4, shopify-orders, segment for interactions"):
        format_of("shopify", "interactions")


@given(st.text())
def test_conversions_accept_any_text(text):
    for each in FORMATS.values():
        for column in each.columns:
            assert isinstance(column.value(dict.fromkeys(column.theirs, text)), str)
    assert isinstance(amount(text) + level(2)(text) + times(text, text), str)


@pytest.mark.parametrize("end", [-5, 12])
def test_damaged_gzip_is_refused(tmp_path, end):
    path = tmp_path / "feed.xml.gz"
    path.write_bytes(gzip.compress(GOOGLE_FEED.encode())[:end])

    with pytest.raises(InvalidInput, match=r"feed\.xml\.gz cannot be converted"):
        convert(LocalFile(path), FORMATS["google-merchant"], PLAIN)
    assert list(tmp_path.iterdir()) == [path]
