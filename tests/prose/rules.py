"""Rules of plain English that a program can check."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from tests.prose.texts import Text

_MAX_WORDS = 25
_INDIRECT = r"What|Whether|Whoever|Whose|Whom|Who|Of|How|Those|Whatever"
# Words that cannot begin an imperative.
_CLOSED_CLASS = r"""a|an
    |the|this|that|these|its?|their|they|his|he|her|she|our|we|i|your?|one|two|three|some|any|all|each
    |every|both|another|other|no|nothing|nobody|none|neither|either|everything|everybody|somebody|something|where|which
    |when|why|for|from|in|on|at|by|to|with|without|within|under|after|before|as|like|if|else|also|only|never|always|not
    |so|and|or|but|than|then|there|here"""
# Verbs in the third person, without forms that are also common plural nouns, such as `answers` and `counts`.
_THIRD_PERSON = r"""(?:accept|add|ask|begin|bring|build|choose|collect|compare|compute|create|decide|delete|deliver
    |describe|draw|encode|erase|evaluate|extract|fail|find|follow|forget|gather|give|hand|hold|invoke|join|judge|keep|learn
    |leave|load|make|measure|merge|open|parse|pass|promise|put|raise|rank|read|recognise|refuse|register|reject|remember
    |remove|replace|return|run|say|send|serve|show|sort|split|stand|start|stop|take|tell|train|turn|upload|wait|write|yield
    )s|(?:go|pass|publish|watch)es|applies|copies|divides"""
_IMPERATIVE = "return|write|yield|raise|say|make|take|give|tell|read|send|create|remove|refuse"

_INDIRECT_START = re.compile(rf"[^\w«»]*({_INDIRECT}|Where|Which)\b(?![^.!?]*\?)", re.I)
_INDIRECT_SENTENCE = re.compile(rf"(?:\A|[.!?:]\s|\n[ \t]*\n)\s*({_INDIRECT})\b(?![^.!?]*\?)")
_FIRST_WORD_OF_FUNCTION = re.compile(rf"\s*({_CLOSED_CLASS}|{_THIRD_PERSON})\b(?!-)", re.I | re.X)
_FIRST_WORD_OF_TYPE = re.compile(rf"\s*({_IMPERATIVE}|{_THIRD_PERSON})\s(?!of\b)", re.I | re.X)
_SENTENCE = re.compile(r"(?:[^.!?\n]|[.!?](?=\S)|\n(?!\s*\n))+")
_WORD = re.compile(r"«»|\w[\w'-]*")

Matches: TypeAlias = Iterator[tuple[int, str]]
"""Positions in the text, each with the words that break the rule."""


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """Rule with the advice that the author of a violation needs."""

    name: str
    advice: str
    matches: Callable[[Text], Matches]


def _pattern(pattern: str) -> Callable[[Text], Matches]:
    compiled = re.compile(pattern, re.I)
    return lambda text: ((found.start(), found[0]) for found in compiled.finditer(text.text))


def _opening(text: Text) -> Matches:
    start = 0
    if text.kind not in {"prose", "error"} and (found := _INDIRECT_START.match(text.text)):
        yield found.start(1), found[1]
        start = found.end()
    for later in _INDIRECT_SENTENCE.finditer(text.text, start):
        yield later.start(1), later[1]


def _verb(text: Text) -> Matches:
    if text.kind == "function" and (found := _FIRST_WORD_OF_FUNCTION.match(text.text)):
        yield found.start(1), found[1]


def _noun(text: Text) -> Matches:
    if text.kind == "type" and (found := _FIRST_WORD_OF_TYPE.match(text.text)) and found[1].istitle():
        yield found.start(1), found[1]


def _length(text: Text) -> Matches:
    if text.kind in {"help", "error"}:
        for sentence in _SENTENCE.finditer(text.text):
            if (count := len(_WORD.findall(sentence[0]))) > _MAX_WORDS:
                yield sentence.start(), f"{count} words"


RULES = (
    Rule("opening", "start with the subject: 'The version', not 'What version' (rule 2)", _opening),
    Rule("verb", "start a function's docstring with a verb: Return, Raise, Write (rule 11)", _verb),
    Rule("noun", "start a class's or module's docstring with a noun (rule 11)", _noun),
    Rule(
        "person",
        "name the actor: the caller, no users, any client (rule 4)",
        _pattern(r"\b(nobody|somebody|whoever|anybody)\b"),
    ),
    Rule(
        "passive",
        "use the technical verb: interacted with, passed, evaluated, accepted, selected (rule 5)",
        _pattern(
            r"\b(is|are|was|were|be|been|being)\s+(?:(?:not|never|only|also|then|still)\s+)?"
            r"(had|told|asked|taken|meant)\b(?!\s+apart)"
        ),
    ),
    Rule(
        "word",
        "write again, next to or compared with, fix, must, only (rule 7)",
        _pattern(
            r"\b(anew|beside|mend(?:s|ed|ing)?|shall)\b"
            r"|(?<!let )(?<!leave )(?<!leave it )(?<!left )(?<!leaves )(?<!stand )(?<!stands )(?<!stand-)\balone\b"
        ),
    ),
    Rule("length", f"split sentences of more than {_MAX_WORDS} words in help texts and errors (rule 8)", _length),
    Rule("zero", "write 0.4239, not .4239 (rule 14)", _pattern(r"(?<![\w./)\]«»*-])\.\d+\b(?!\.?\w)")),
    Rule(
        "unit",
        "write a space before the unit: 90 MB (rule 14)",
        _pattern(r"(?<![\w./-])\d[\d.,]*(ms|µs|[kKMGT]i?B|GHz)\b"),
    ),
)


_DESCRIPTIONS = {"function", "type", "comment"}
_QUANTITY = (
    r"Maximum|Minimum|Number|Size|Share|Default|Duration|Age|Length|Limit|Time|Pause|Interval|Period|Weight|Days"
    r"|Threshold|Upper|Lower|Width|Factor|Ratio|Depth|Range|Bounds"
)
_IS_QUANTITY = re.compile(r"_BYTES|_MS\b|_S\b|_DAYS|_SHARE|_USERS|MAX_|MIN_|BATCH_|MOST_|AT_ONCE")


def _description(pattern: str) -> Callable[[Text], Matches]:
    compiled = re.compile(pattern)

    def matches(text: Text) -> Matches:
        if text.kind in _DESCRIPTIONS:
            yield from ((found.start(), found[0].strip()) for found in compiled.finditer(text.text))

    return matches


def _constant(text: Text) -> Matches:
    if text.kind == "comment" and _IS_QUANTITY.search(text.name) and not re.match(rf"\s*({_QUANTITY})", text.text):
        yield 0, text.name


BUDGETED_RULES = (
    Rule(
        "free relative",
        "name the noun instead of a clause with what, how, whose or whom (pattern P1)",
        _description(r"(?i)\bwhat\b(?! kind| type| if)(?![^.?!]*\?)|(?<=[:;,] )(?:how|whose|whom)\b"),
    ),
    Rule(
        "state idiom",
        "use the technical verb: complete, remaining, continue, retry (pattern P7)",
        _description(
            r"\b(?:is|are|was|be) left\b|\bwhole(?=[,.;]|$| again| or)|\bgo(?:es)? on\b|\bstays? (?:un|out)"
            r"|\bcome and go\b|\bon their way\b|\beven so\b|\bmakes of\b|\bserved by\b|\bled to\b|\b(?:is|are) worth\b"
            r"|\bfor good\b|\bas far back\b|\bby half\b|\beither way\b|\bthere is little\b"
        ),
    ),
    Rule(
        "person verb",
        "things return, raise, read, require and contain; they do not ask, see, tell or know (pattern P5)",
        _description(
            r"\b(?:asks?|asked|sees|tells?|told|wants?|wanted|learned from|learns|look(?:s|ed)? (?:at|for)|taken? in"
            r"|says? (?:what|so|itself)|died|spends|teach(?:es)?)\b"
        ),
    ),
    Rule(
        "headless entry",
        "begin an entry of parameters or attributes with its noun (pattern P2)",
        _description(
            r"(?m)^\s{2,}(?:Of|In|By|From|With|Without|Where(?! the)|Naming|Has|How|Whether|Takes|Gives|Are"
            r"|The \w+'s,)\b"
        ),
    ),
    Rule(
        "pronoun first",
        "name the noun in the first sentence instead of it, them or the same (pattern P3)",
        _description(
            r"\A(?:Return|Yield|Write|Add|Do|Give|Say|Make|See|Ask|Note|Keep|Leave)\b[^.;:,]{0,24}"
            r"\b(?:of its|of them|of it|it as|the same|plenty|how many)\b|\A(?:Their|Its|They|It|So)\b(?! is| are)"
        ),
    ),
    Rule(
        "loose join",
        "write a second sentence with a verb instead of a clause after a colon (pattern P10)",
        _description(r"[;:] (?:those|with it|of more|a bad|later ones)\b"),
    ),
    Rule(
        "rate",
        "write per, each or up to (pattern P8)",
        _description(
            r"\b(?:one|two|\d+|kept|packet|object|vector|bucket|row|line|targets?|batch(?:es)?) an? "
            r"(?:item|user|answer|day|call|row|route|minute|second|record|object|shard|response|event)\b|\bso many\b"
        ),
    ),
    Rule(
        "bare genitive",
        "name the noun after the genitive (pattern P9)",
        _description(r"\b\w+'s(?=[.,;:]|$| and\b| or\b)"),
    ),
    Rule("quantity", "begin with the quantity and its unit: Maximum number of …, in bytes (pattern P4)", _constant),
)
"""Rules with false alarms. Each folder has a budget of violations, which can only be lowered."""
