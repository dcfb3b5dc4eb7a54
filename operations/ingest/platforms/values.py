"""Conversions of a platform's values to the strings of a data file."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

_MONEY = re.compile(r"[0-9]+(?:[.,][0-9]+)*")
_DECIMAL_COMMA = re.compile(r"[0-9]+(?:\.[0-9]{3})*,[0-9]+")
_TAG = re.compile(r"<[^>]*>")
_ZONE = re.compile(r" (?=[+-][0-9]{4}$)")
_SPACES = re.compile(r"\s+")


def amount(text: str) -> str:
    """Return the first number in a price as written, or the unchanged text if it contains none.

    Examples
    --------
    >>> amount("15.00 USD")
    '15.00'
    """
    found = _MONEY.search(text)
    return found[0] if found else text


def times(price: str, quantity: str) -> str:
    """Return the product of price and quantity, with the decimal mark of the price.

    An empty quantity counts as 1. If a value is not a number, return the price.

    Examples
    --------
    >>> times("2.50", "3"), times("1.002,50", "2")
    ('7.50', '2005,00')
    """
    has_comma = _DECIMAL_COMMA.fullmatch(price) is not None
    try:
        total = Decimal(price.replace(".", "").replace(",", ".") if has_comma else price) * Decimal(quantity or 1)
    except InvalidOperation:
        return price
    return str(total).replace(".", ",") if has_comma else str(total)


def level(number: int, *, paths: str = "") -> Callable[[str], str]:
    """Return a function that extracts one level of the first path in a string such as `Home > Garden > Chairs`.

    Levels count from 1. The numeric IDs of Google's taxonomy have no levels.

    Parameters
    ----------
    paths
        Separator of several paths.

    Examples
    --------
    >>> level(2, paths=",")("Clothing > Shirts, Sale")
    'Shirts'
    """

    def convert(text: str) -> str:
        path = text.split(paths)[0] if paths else text
        levels = [part.strip() for part in path.split(">")]
        return "" if text.strip().isdigit() else "".join(levels[number - 1 : number])

    return convert


def plain(text: str) -> str:
    """Return the text of HTML on one line.

    Examples
    --------
    >>> plain("<p>Warm &amp; <b>dry</b></p>")
    'Warm & dry'
    """
    return _SPACES.sub(" ", html.unescape(_TAG.sub(" ", text))).strip()


def bars(text: str) -> str:
    """Convert a comma-separated list to a list separated by bars.

    Examples
    --------
    >>> bars("wool, winter")
    'wool|winter'
    """
    return "|".join(part.strip() for part in text.split(",") if part.strip())


def first(text: str) -> str:
    return text.split(",")[0].strip()


def one_of(*texts: str) -> Callable[[str], str]:
    """Return a function that converts a text in `texts` to `true` and any other text to `false`. Case is ignored,
    and a space counts as `_`.
    """

    def convert(text: str) -> str:
        return str(text.strip().lower().replace(" ", "_") in texts).lower()

    return convert


def hashed(text: str) -> str:
    """Return the SHA-256 hash of an e-mail address as hexadecimal digits. Case and outer spaces are ignored.

    Examples
    --------
    >>> hashed(" Ann@example.com")[:8]
    '71d4f55f'
    """
    return hashlib.sha256(text.strip().lower().encode()).hexdigest()


def with_zone(text: str) -> str:
    """Return a time in ISO 8601, without a space before its zone.

    Examples
    --------
    >>> with_zone("2026-05-01 12:00:00 -0400")
    '2026-05-01 12:00:00-0400'
    """
    return _ZONE.sub("", text.strip())
