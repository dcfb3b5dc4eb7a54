import json

import pytest

from tests.prose.__main__ import BUDGETS, main
from tests.prose.rules import BUDGETED_RULES, RULES
from tests.prose.texts import Text, texts

EXAMPLES = {
    "opening": [
        (Text("heading", 1, "What it costs"), Text("heading", 1, "Cost")),
        (Text("heading", 1, "Where the data is"), Text("prose", 1, "Where a store fails, the caller retries.")),
        (Text("prose", 1, "It ends. Of clicks the sign is turned."), Text("prose", 1, "The sign of clicks is turned.")),
        (Text("type", 1, "How a run ended."), Text("type", 1, "How many runs ended?")),
        (Text("prose", 1, "Whoever asks."), Text("prose", 1, "Who may call the API? Any client.")),
    ],
    "verb": [
        (Text("function", 1, "The latest version."), Text("function", 1, "Return the latest version.")),
        (Text("function", 1, "Writes a file."), Text("function", 1, "Write a file.")),
        (Text("function", 1, "No caller needs it."), Text("prose", 1, "No caller needs it.")),
        (Text("function", 1, "By user."), Text("function", 1, "By-pass the cache.")),
    ],
    "noun": [
        (Text("type", 1, "Reads rows of the lake."), Text("type", 1, "Reader of the lake.")),
        (Text("type", 1, "Write rows."), Text("type", 1, "Write-ahead log.")),
        (Text("type", 1, "Takes a lock."), Text("type", 1, "Runs of the workflow.")),
    ],
    "person": [(Text("prose", 1, "Nobody is left."), Text("prose", 1, "No users are left."))],
    "passive": [
        (Text("comment", 1, "The item is\nhad twice."), Text("comment", 1, "The user had the item twice.")),
        (Text("prose", 1, "Events are never asked for."), Text("prose", 1, "The two cannot be told apart.")),
    ],
    "word": [
        (Text("prose", 1, "The day is read anew."), Text("prose", 1, "The day is read again.")),
        (Text("prose", 1, "Mend it beside the lake."), Text("prose", 1, "Fix it next to the lake. It is recommended.")),
        (Text("prose", 1, "Ids alone are kept."), Text("prose", 1, "Leave it alone. It runs stand-alone.")),
        (Text("prose", 1, "It shall pass."), Text("prose", 1, "It must pass.")),
    ],
    "length": [
        (Text("help", 1, "word " * 26), Text("help", 1, "word " * 25)),
        (Text("error", 1, "word " * 26), Text("prose", 1, "word " * 26)),
        (Text("error", 1, "word " * 13 + "«» " * 13), Text("error", 1, "word " * 13 + "word. " + "word " * 13)),
    ],
    "zero": [
        (
            Text("prose", 1, "NDCG is .4239."),
            Text("prose", 1, "NDCG is 0.4239 in version 1.2.3, as a file .7z or 3/.5"),
        ),
    ],
    "unit": [(Text("prose", 1, "It takes 90MB."), Text("prose", 1, "It takes 90 MB on m5.2xlarge for 10M rows."))],
}


@pytest.mark.parametrize(
    ("rule", "bad", "good"), [(rule, bad, good) for rule, pairs in EXAMPLES.items() for bad, good in pairs]
)
def test_rule_finds_the_bad_example_and_accepts_the_good_one(rule, bad, good):
    matches = {rule.name: rule.matches for rule in RULES}[rule]

    assert list(matches(bad))
    assert not list(matches(good))


def test_every_rule_has_examples():
    assert [rule.name for rule in RULES] == list(EXAMPLES)


def _texts(folder, name, source):
    (folder / name).write_text(source)
    return [(text.kind, text.line, text.text.strip()) for text in texts(folder / name)]


def test_python_texts_are_docstrings_comments_help_and_errors(tmp_path):
    source = '''"""Module."""
# First line
# and second.
NOBODY = "nobody"  # trailing
"""Attribute."""

@app.command()
def run(name: Annotated[str, Option(help="Name.")]) -> None:
    """Run `nobody`."""
    query = f"""select 'nobody' # not a comment"""
    raise ValueError(f"bad {name}")

class Job:
    """A job."""

    @property
    def user(self) -> str:
        """The user."""

def stop() -> None:
    """Stop."""

def test_it() -> None:
    """It works."""  # noqa: D401
'''

    assert sorted(_texts(tmp_path, "module.py", source), key=lambda text: text[1]) == [
        ("type", 1, "Module."),
        ("comment", 2, "First line\nand second."),
        ("comment", 4, "trailing"),
        ("comment", 5, "Attribute."),
        ("help", 8, "Name."),
        ("help", 9, "Run «»."),
        ("error", 11, "bad «»"),
        ("type", 14, "A job."),
        ("prose", 18, "The user."),
        ("function", 21, "Stop."),
        ("prose", 24, "It works."),
    ]


def test_page_texts_are_comments_strings_of_several_words_and_markup(tmp_path):
    source = """/** A card. */
import { nobody } from "./nobody";
const anew = nobody ? "two words" : "word"; // trailing text
const icon = <path d="M0 .6 0 .8" />;
const card = <p>Text with {count} items, isn't it?</p>;
const link = `https://example.com/ for ${nobody}`;
"""

    assert [(line, text) for _, line, text in _texts(tmp_path, "card.tsx", source)] == [
        (1, "A card."),
        (3, "two words"),
        (3, "trailing text"),
        (5, "Text with"),
        (5, "items, isn't it?"),
        (6, "https://example.com/ for «»"),
    ]


def test_markdown_texts_are_without_code_and_addresses(tmp_path):
    source = """# A heading
Text, `nobody`, [a link](nobody.md).
```sh
nobody  # in code
```
Last line.
"""

    heading, prose = _texts(tmp_path, "page.md", source)

    assert heading == ("heading", 1, "A heading")
    assert prose == ("prose", 1, "Text, «», [a link.\n\n\n\nLast line.")


def test_html_texts_are_the_displayed_ones(tmp_path):
    source = "<title>The page</title>\n<script>nobody()</script>\n<p class='nobody'>Text.</p>\n"

    assert _texts(tmp_path, "page.html", source) == [("prose", 1, "The page"), ("prose", 3, "Text.")]


def test_other_files_have_only_comments(tmp_path):
    assert _texts(tmp_path, "Makefile", "all:  ## build it\n\techo nobody\n") == [("comment", 1, "build it")]
    assert _texts(tmp_path, "data.json", '{"a": "nobody"}') == []


BUDGETED_EXAMPLES = {
    "free relative": ("Bring profiles to what the lake says.", "Rewrite the profiles from the lake."),
    "state idiom": ("What was not begun is left.", "Drop inputs that have not started."),
    "person verb": ("The cache asks the store.", "The cache reads the store."),
    "headless entry": ("Parameters\n    ----------\n    days\n        Of the window.", "days\n    Number of days."),
    "pronoun first": ("Return some of its rows.", "Return the rows of the table."),
    "loose join": ("Invalid rows: those without an ID.", "Rows without an ID are invalid."),
    "rate": ("One packet an answer.", "One packet per response."),
    "bare genitive": ("The route is the session's.", "The route requires a session token."),
}


@pytest.mark.parametrize("name", BUDGETED_EXAMPLES)
def test_budgeted_rule_finds_only_its_pattern(name):
    (rule,) = (rule for rule in BUDGETED_RULES if rule.name == name)
    bad, good = BUDGETED_EXAMPLES[name]

    assert list(rule.matches(Text("function", 1, bad)))
    assert not list(rule.matches(Text("function", 1, good)))


@pytest.mark.parametrize(
    ("name", "text", "is_found"),
    [
        ("MAX_BYTES", "A stream record as JSON.", True),
        ("MAX_BYTES", "Size of a stream record in bytes.", False),
        ("PREFIX", "A stream record as JSON.", False),
    ],
)
def test_quantity_constant_comment_begins_with_the_quantity(name, text, is_found):
    (rule,) = (rule for rule in BUDGETED_RULES if rule.name == "quantity")

    assert bool(list(rule.matches(Text("comment", 1, text, name)))) == is_found


def test_violation_fails_the_check_and_is_printed_with_its_place(tmp_path, capsys):
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli/module.py").write_text('"""Whether a module works."""\n')

    for arguments in ([], ["--all"]):
        assert main(arguments, root=tmp_path) == 1
        assert capsys.readouterr().out.startswith("cli/module.py:1: opening")
    assert main(["functions"], root=tmp_path) == 0


def test_plain_texts_pass(tmp_path, capsys):
    (tmp_path / "module.py").write_text('"""Rules of the gate."""\n')

    assert main([], root=tmp_path) == 0
    assert capsys.readouterr().out == "0 violations\n"


def test_budgeted_rules_fail_above_the_budget_of_their_folder(tmp_path, capsys):
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli/module.py").write_text('"""Rules: what a gate sees."""\n')  # The text has two violations.
    budgets = tmp_path / BUDGETS
    budgets.parent.mkdir(parents=True)

    budgets.write_text('{"cli": 2}')
    assert main([], root=tmp_path) == 0
    budgets.write_text('{"cli": 1}')
    assert main([], root=tmp_path) == 1
    assert "cli: 2 violations of budgeted rules, expected at most 1" in capsys.readouterr().out


def test_budgets_are_only_lowered(tmp_path):
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli/module.py").write_text('"""Rules: what a gate sees."""\n')
    budgets = tmp_path / BUDGETS
    budgets.parent.mkdir(parents=True)
    budgets.write_text('{"cli": 9, "functions": 1}')

    main(["--lower"], root=tmp_path)

    assert json.loads(budgets.read_text()) == {"cli": 2, "functions": 0}
