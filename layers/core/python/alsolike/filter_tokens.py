"""The tokens of a filter expression, with their positions."""

from __future__ import annotations

import re

from alsolike.errors import InvalidFilter
from alsolike.values import value_object

MAX_CHARACTERS = 2_500

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<number>-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<parameter>\$[A-Za-z0-9_]+)
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<symbol><=|>=|!=|[=<>(),|.+-])""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@value_object
class Token:
    """A piece of the expression; `kind` is a group of the pattern, or `end`."""

    kind: str
    text: str
    offset: int

    @property
    def value(self) -> str:
        """The text between the quotes of a `text`."""
        return _ESCAPED.sub(r"\1", self.text[1:-1])

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else self.text if len(self.text) <= 40 else f"{self.text[:40]}…"


def tokens(expression: str) -> list[Token]:
    """Cut an expression into its pieces, the last one `end`.

    Raises
    ------
    InvalidFilter
        If it is too long, or has a character that starts no piece.
    """
    if len(expression) > MAX_CHARACTERS:
        raise InvalidFilter(
            f"the expression has {len(expression):,} characters, expected at most {MAX_CHARACTERS:,}",
            offset=MAX_CHARACTERS,
        )
    tokens, offset = [], 0
    while offset < len(expression):
        match = _TOKEN.match(expression, offset)
        if match is None:
            found = expression[offset]
            expected = 'a closing " after it' if found == '"' else "a keyword, column, value or operator"
            raise unexpected(Token("symbol", found, offset), expected)
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match.group(), offset))
        offset = match.end()
    return [*tokens, Token("end", "", offset)]


def unexpected(token: Token, expected: str) -> InvalidFilter:
    """Return the error with the token at a position, and the expectation."""
    return InvalidFilter(f"character {token.offset + 1}: found {token}, expected {expected}", offset=token.offset)


class TokenReader:
    """Steps through the pieces of an expression, from left to right."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._index = 0

    @property
    def now(self) -> Token:
        """The piece that is next."""
        return self._tokens[self._index]

    def step(self) -> Token:
        """Step over the next piece, and return it."""
        token = self.now
        self._index += 1
        return token

    def is_next(self, text: str) -> bool:
        """Return true if a keyword or symbol is next."""
        return self.now.kind in ("word", "symbol") and self.now.text.upper() == text.upper()

    def take(self, text: str) -> bool:
        """Step over a keyword or symbol if it is next."""
        found = self.is_next(text)
        self._index += found
        return found

    def one_of(self, *texts: str) -> str:
        """Skip one of the keywords or symbols, and return it in the given spelling.

        Raises
        ------
        InvalidFilter
            If something else is next.
        """
        for text in texts:
            if self.take(text):
                return text
        raise unexpected(self.now, " or ".join(texts))


def is_name(text: str) -> bool:
    """Return whether an expression can name a column like this.

    Examples
    --------
    >>> is_name("IN_STOCK"), is_name("IN STOCK")
    (True, False)
    """
    found = _TOKEN.fullmatch(text)
    return found is not None and found.lastgroup == "word"
