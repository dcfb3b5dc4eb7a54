"""Formats of other platforms. Each format maps source fields to Alsolike's columns."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, BinaryIO

from operations.ingest.csv_format import CsvForm
from operations.ingest.platforms import records
from operations.ingest.platforms.records import Record
from operations.ingest.platforms.values import amount, bars, first, hashed, level, one_of, plain, times, with_zone

LEFT_OUT = "left out"
"""Key in a record that marks the record as skipped. The value is the reason."""


@dataclasses.dataclass(frozen=True)
class Column:
    """Column of a data file. The first of the source fields `theirs` with a value is used."""

    ours: str
    theirs: tuple[str, ...]
    convert: Callable[[str], str] = str.strip

    def value(self, record: Record) -> str:
        text = next((record[name] for name in self.theirs if record.get(name, "").strip()), "")
        return self.convert(text) if text else ""


@dataclasses.dataclass(frozen=True)
class PlatformFormat:
    """Format of one file type of a platform.

    `records` reads a file and yields a dict of strings by field name per record. `reads` are source fields that only
    `records` uses, not `columns`. `source` is the documentation page.
    """

    name: str
    dataset: str
    columns: tuple[Column, ...]
    records: Callable[[BinaryIO, str, CsvForm], Iterator[Record]]
    source: str
    reads: tuple[str, ...] = ()

    @functools.cached_property
    def used(self) -> frozenset[str]:
        """Source fields that the conversion uses."""
        return frozenset({LEFT_OUT, *self.reads}.union(*(column.theirs for column in self.columns)))


_OF_PRODUCT = (
    "Title", "Body (HTML)", "Description", "Vendor", "Product Category", "Product category", "Type", "Tags", "Status",
    "Image Src", "Product image URL",
)  # fmt: skip
"""Fields that Shopify writes only in the first row of a product."""
_OPTIONS = tuple(f"Option{number} {kind}" for number in (1, 2, 3) for kind in ("Value", "value"))
_OF_ORDER = ("Email", "Created at", "Cancelled at", "Financial Status", "Currency")


def _shopify_variants(file: BinaryIO, name: str, form: CsvForm) -> Iterator[Record]:
    """Yield product variants. Rows that only add an image are skipped; drafts and archived products get `LEFT_OUT`."""
    rows = records.csv_records(file, name, form)
    named = ({("Handle" if field == "URL handle" else field): text for field, text in row.items()} for row in rows)
    for row in records.filled(named, key="Handle", fields=_OF_PRODUCT):
        if any(row.get(field, "").strip() for field in ("Variant SKU", "SKU", "Variant Price", "Price")):
            options = (row.get(field, "") for field in _OPTIONS)
            yield row | {
                "Options": " / ".join(text for text in options if text not in ("", "Default Title")),
                **_left_out(row, "Status", ("draft", "archived")),
            }


def _woocommerce_products(file: BinaryIO, name: str, form: CsvForm) -> Iterator[Record]:
    """Yield products. Unpublished products get `LEFT_OUT`, and so do variations, which are not separate items."""
    for row in records.csv_records(file, name, form):
        yield row | _left_out(row, "Published", ("0", "-1")) | _left_out(row, "Type", ("variation",))


def _left_out(record: Record, field: str, values: Collection[str]) -> Record:
    value = record.get(field, "").strip()
    return {LEFT_OUT: f"{field} is {value}"} if value.lower() in values else {}


def _shopify_lines(file: BinaryIO, name: str, form: CsvForm) -> Iterator[Record]:
    """Yield a purchase per line item of an order. Items of refunded, voided and cancelled orders get `LEFT_OUT`."""
    for row in records.filled(records.csv_records(file, name, form), key="Name", fields=_OF_ORDER):
        yield row | {
            "type": "purchase",
            "Total": times(row.get("Lineitem price", ""), row.get("Lineitem quantity", "")),
            **_left_out(row, "Financial Status", ("refunded", "voided")),
            **({LEFT_OUT: "the order is cancelled"} if row.get("Cancelled at", "").strip() else {}),
        }


_GA4_EVENTS = {
    "view_item": "view", "select_item": "click", "add_to_cart": "cart", "purchase": "purchase",
    "view_search_results": "search", "search": "search",
}  # fmt: skip
_SEGMENT_EVENTS = {
    "Product Viewed": "view", "Product Clicked": "click", "Product Added": "cart", "Order Completed": "purchase",
    "Products Searched": "search",
}  # fmt: skip


def _ga4_events(file: BinaryIO, name: str, form: CsvForm) -> Iterator[Record]:
    """Yield one record per item of an event, and one for an event without items, such as a search.

    Events that are not in `_GA4_EVENTS` get `LEFT_OUT`.
    """
    for event in records.json_records(file, name, form):
        kind = _GA4_EVENTS.get(str(event.get("event_name")), "")
        parameters = {
            str(each.get("key")): next((str(value) for value in (each.get("value") or {}).values() if value), "")
            for each in event.get("event_params") or []
        }
        common = {
            **{key: _text(value) for key, value in event.items() if not isinstance(value, dict | list)},
            **_known(kind, event.get("event_name")),
            "milliseconds": _text(event.get("event_timestamp"))[:-3],
            "session": parameters.pop("ga_session_id", ""),
            "query": parameters.pop("search_term", "") if kind == "search" else "",
        }
        for field in parameters:
            common[f"event_params.{field}"] = ""
        items = [{}] if kind in ("search", "") else event.get("items") or [{}]
        for item in items:
            yield common | _item_record(item, kind, prices=("price", "price_in_usd"), prefix="items.")


def _segment_events(file: BinaryIO, name: str, form: CsvForm) -> Iterator[Record]:
    """Yield one record per product of a call, and one per search.

    Calls that are not in `_SEGMENT_EVENTS` get `LEFT_OUT`.
    """
    for call in records.json_records(file, name, form):
        properties = call.get("properties") or {}
        kind = _SEGMENT_EVENTS.get(str(call.get("event")), "") if call.get("type", "track") == "track" else ""
        common = {
            **{key: _text(value) for key, value in call.items() if not isinstance(value, dict | list)},
            **_known(kind, call.get("event") or call.get("type")),
            "session": _text((call.get("context") or {}).get("sessionId")),
            "query": _text(properties.get("query")) if kind == "search" else "",
        }
        products = properties.get("products") or [properties]
        for number, product in enumerate([{}] if kind in ("search", "") else products):
            record = common | _item_record(product, kind, prices=("price",), prefix="properties.")
            if record.get("messageId") and number:
                record["messageId"] += f"-{number}"
            yield record


def _known(kind: str, name: Any) -> Record:
    return {"type": kind} if kind else {LEFT_OUT: f"event {name}"}


def _item_record(item: Mapping[str, Any], kind: str, *, prices: Collection[str], prefix: str) -> Record:
    found = {f"{prefix}{key}": _text(value) for key, value in item.items() if not isinstance(value, dict | list)}
    if kind == "purchase":
        price = next((_text(item[name]) for name in prices if item.get(name)), "")
        found["total"] = times(price, _text(item.get("quantity"))) if price else ""
    return found


def _text(value: Any) -> str:
    return "" if value is None else str(value)


_IN_STOCK = one_of("in_stock", "1", "true", "yes")
_CATEGORY = ("product_type", "google_product_category")

FORMATS: Mapping[str, PlatformFormat] = {
    each.name: each
    for each in (
        PlatformFormat(
            "google-merchant", "items",
            (
                Column("ITEM_ID", ("id",)),
                Column("TITLE", ("title",)),
                Column("DESCRIPTION", ("description",), plain),
                Column("BRAND", ("brand",)),
                Column("CATEGORY_L1", _CATEGORY, level(1)),
                Column("CATEGORY_L2", _CATEGORY, level(2)),
                Column("CATEGORY_L3", _CATEGORY, level(3)),
                Column("PRICE", ("sale_price", "price"), amount),
                Column("IN_STOCK", ("availability",), _IN_STOCK),
                Column("PARENT_ID", ("item_group_id", "id")),
                Column("COLOR", ("color",)),
                Column("IMAGE_URL", ("image_link",)),
                Column("URL", ("link",)),
            ),
            records.feed_records, "https://support.google.com/merchants/answer/7052112",
        ),
        PlatformFormat(
            "shopify", "items",
            (
                Column("ITEM_ID", ("Variant SKU", "SKU", "Handle")),
                Column("TITLE", ("Title",)),
                Column("DESCRIPTION", ("Body (HTML)", "Description"), plain),
                Column("BRAND", ("Vendor",)),
                Column("CATEGORY_L1", ("Product Category", "Product category", "Type"), level(1)),
                Column("CATEGORY_L2", ("Product Category", "Product category"), level(2)),
                Column("CATEGORY_L3", ("Product Category", "Product category"), level(3)),
                Column("TAGS", ("Tags",), bars),
                Column("PRICE", ("Variant Price", "Price"), amount),
                Column("STOCK", ("Variant Inventory Qty", "Inventory quantity")),
                Column("VARIANT", ("Options",)),
                Column("PARENT_ID", ("Handle",)),
                Column("IMAGE_URL", ("Variant Image", "Variant image URL", "Image Src", "Product image URL")),
            ),
            _shopify_variants, "https://help.shopify.com/en/manual/products/import-export/using-csv",
            reads=("Status", *_OPTIONS),
        ),
        PlatformFormat(
            "woocommerce", "items",
            (
                Column("ITEM_ID", ("ID",)),
                Column("TITLE", ("Name",)),
                Column("DESCRIPTION", ("Short description", "Description"), plain),
                Column("BRAND", ("Brands",), first),
                Column("CATEGORY_L1", ("Categories",), level(1, paths=",")),
                Column("CATEGORY_L2", ("Categories",), level(2, paths=",")),
                Column("CATEGORY_L3", ("Categories",), level(3, paths=",")),
                Column("TAGS", ("Tags",), bars),
                Column("PRICE", ("Sale price", "Regular price"), amount),
                Column("IN_STOCK", ("In stock?",), _IN_STOCK),
                Column("SKU", ("SKU",)),
                Column("IMAGE_URL", ("Images",), first),
            ),
            _woocommerce_products, "https://woocommerce.com/document/product-csv-importer-exporter/",
            reads=("Type", "Published"),
        ),
        PlatformFormat(
            "ga4", "interactions",
            (
                Column("USER_ID", ("user_id", "user_pseudo_id")),
                Column("ITEM_ID", ("items.item_id",)),
                Column("TIMESTAMP", ("milliseconds",)),
                Column("EVENT_TYPE", ("type",)),
                Column("EVENT_VALUE", ("total",)),
                Column("SESSION_ID", ("session",)),
                Column("QUERY", ("query",)),
            ),
            _ga4_events, "https://support.google.com/analytics/answer/7029846",
            reads=("event_name", "event_timestamp", "items.quantity", "items.price", "items.price_in_usd"),
        ),
        PlatformFormat(
            "shopify-orders", "interactions",
            (
                Column("USER_ID", ("Email",), hashed),
                Column("ITEM_ID", ("Lineitem sku",)),
                Column("TIMESTAMP", ("Created at",), with_zone),
                Column("EVENT_TYPE", ("type",)),
                Column("EVENT_VALUE", ("Total",)),
            ),
            _shopify_lines, "https://help.shopify.com/en/manual/fulfillment/managing-orders/exporting-orders",
            reads=("Name", "Cancelled at", "Financial Status", "Lineitem quantity", "Lineitem price"),
        ),
        PlatformFormat(
            "segment", "interactions",
            (
                Column("USER_ID", ("userId", "anonymousId")),
                Column("ITEM_ID", ("properties.product_id", "properties.sku")),
                Column("TIMESTAMP", ("timestamp", "originalTimestamp", "receivedAt")),
                Column("EVENT_TYPE", ("type",)),
                Column("EVENT_VALUE", ("total",)),
                Column("EVENT_ID", ("messageId",)),
                Column("SESSION_ID", ("session",)),
                Column("QUERY", ("query",)),
            ),
            _segment_events, "https://segment.com/docs/connections/spec/ecommerce/v2/",
            reads=("event", "type", "properties.quantity", "properties.price"),
        ),
    )
}  # fmt: skip
