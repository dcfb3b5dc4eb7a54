"""Indexes, file names and charts of the documentation."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from docs.hooks import brand, llms, pictures, records

ROOT = Path(__file__).parents[2]
DECISIONS = ROOT / "docs" / "adr"
PACKAGES = {
    **dict.fromkeys(("functions", "model_export", "operations", "infra_cdk", "cli", "benchmarks"), ROOT),
    "alsolike": ROOT / "layers" / "core" / "python",
    "local_cloud": ROOT / "local_cloud" / "src",
}


def test_index_has_each_decision_once():
    links = re.findall(r"\| \d+ \| \[[^]]+\]\(([^)]+)\)", (DECISIONS / "README.md").read_text())

    assert links == sorted(page.name for page in DECISIONS.glob("0*.md"))


def test_links_to_files_exist_in_the_repository():
    """The change log is excluded, because it names pages of earlier versions."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "local_cloud" / "README.md"]
    links = [
        (str(page.relative_to(ROOT)), target)
        for page in pages
        if page.name != "CHANGELOG.md"
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
        if not re.match(r"[a-z]+:", target)
    ]

    assert len(links) > 300
    assert [(page, target) for page, target in links if not ((ROOT / page).parent / target).exists()] == []


def test_files_to_change_exist():
    page = (ROOT / "docs" / "architecture.md").read_text()
    table = page[page.index("## Files to change") : page.index("## Failures")]
    paths = [path for path in re.findall(r"`([\w./]+)`", table) if "/" in path and not path.endswith("alsolike/")]
    core = ROOT / "layers" / "core" / "python"

    assert table.count("\n|") == (2 + 28) + (2 + 17)
    assert [path for path in paths if not (ROOT / path).exists() and not (core / path).exists()] == []


def _exists(name: str) -> bool:
    """Return true if a dotted name is a module, or a module contains the last parts of the name."""
    package, *names = name.split(".")
    path = PACKAGES[package] / package
    while names and (path / names[0]).is_dir():
        path /= names.pop(0)
    if names and (path / f"{names[0]}.py").is_file():
        path /= f"{names.pop(0)}.py"
    source = path if path.is_file() else path / "__init__.py"
    return source.is_file() and all(re.search(rf"\b{each}\b", source.read_text()) for each in names)


def test_modules_and_functions_that_docstrings_reference_exist():
    pattern = re.compile(rf"`((?:{'|'.join(PACKAGES)})(?:\.\w+)+)`")
    references = [
        (str(file.relative_to(ROOT)), name)
        for package, folder in PACKAGES.items()
        for file in (folder / package).rglob("*.py")
        for name in pattern.findall(file.read_text())
    ]

    assert len(references) > 50
    assert [(file, name) for file, name in references if not _exists(name)] == []


def test_runbook_has_every_reason_of_degradation():
    api, runbook = ((ROOT / "docs" / page).read_text() for page in ("api.md", "runbooks/degraded.md"))
    table = api.partition("| reason | cause |")[2].partition("\n\n")[0]
    reasons = {reason for row in table.splitlines() if row for reason in re.findall(r"`([a-z-]+)`", row.split("|")[1])}

    assert len(reasons) > 10
    assert {reason for reason in reasons if f"`{reason}`" not in runbook} == set()


@pytest.mark.parametrize("page", records.PAGES)
def test_pages_have_the_declared_columns(page):
    text = (records.DOCS / page).read_text()

    assert "<!-- columns:" in text
    assert records.with_tables(text) == text, "run `make docs WHAT=api`"


def test_readme_has_the_bill_of_the_middle_shop():
    bills = (ROOT / "docs" / "cost.md").read_text()
    ours, theirs = (
        f"${round(float(row.split(' | ')[1].replace(',', ''))):,}"
        for row in re.findall(r"^\| (?:\*\*total\*\*|Amazon Personalize) \| (.+) \|$", bills, re.MULTILINE)
    )
    readme = (ROOT / "README.md").read_text()

    assert re.findall(r"\*\*Cheap\.\*\* (\S+) a month|costs (\S+) \(", readme) == [(ours, ""), ("", theirs)]


def test_kafka_commands_permit_the_operations_of_the_table():
    page = (ROOT / "docs" / "kafka.md").read_text()
    (script,) = re.findall(r"^```sh\n(acl=.*?)^```$", page, re.M | re.S)
    common, *commands = script.replace("$acl", "").strip().splitlines()
    rows = re.findall(r"^\| (topic|consumer group|cluster)\b.*? \| (.+) \|$", page, re.M)
    command_line = argparse.ArgumentParser(exit_on_error=False)
    for name in ("--bootstrap-server", "--command-config", "--allow-principal", "--topic", "--group"):
        command_line.add_argument(name)
    command_line.add_argument("--operation", action="append")
    for name in ("--add", "--cluster"):
        command_line.add_argument(name, action="store_true")

    words = shlex.split(common.partition("=")[2])[0].split()
    parsed = [command_line.parse_args([*words[1:], *shlex.split(command)]) for command in commands]

    assert words[0] == "kafka-acls.sh"
    permitted = {
        resource: set(one.operation)
        for one in parsed
        for resource, is_named in (("topic", one.topic), ("consumer group", one.group), ("cluster", one.cluster))
        if is_named
    }
    assert permitted == {resource: set(re.findall("`(.+?)`", operations)) for resource, operations in rows}
    assert f'"topic": "{parsed[0].topic}"' in page
    assert parsed[0].group == "alsolike-prod"


TABLE = """\
<!-- quality: begin -->
10 users.

| model | NDCG@10 | fit s |
|---|---|---|
| ease | 0.0471 | 1.2 |
| *published:* TIGER* | 0.0384 | |

- ease: defaults
<!-- quality: end -->
"""


def test_chart_has_a_bar_for_each_number_of_the_column():
    chart = pictures.chart(TABLE, "quality", "NDCG@10", [""])

    assert re.findall(r">([^<>]+)</text>", chart) == ["ease", "0.0471", "published: TIGER", "0.0384"]
    assert re.findall(r'<rect[^>]* width="([\d.]+)"', chart) == ["381.0", f"{1 + 380 * 0.0384 / 0.0471:.1f}"]


def test_chart_omits_empty_cells_and_other_rows():
    assert pictures.chart(TABLE, "quality", "fit s", [""]).count("<rect") == 1
    assert pictures.chart(TABLE, "quality", "NDCG@10", ["ease"]).count("<rect") == 1


def test_chart_of_an_unknown_column_fails_the_build():
    with pytest.raises(ValueError, match="'quality' has no column 'HR@10'"):
        pictures.chart(TABLE, "quality", "HR@10", [""])


def test_marks_of_charts_name_tables_of_their_page():
    pages = [page.read_text() for page in (ROOT / "docs").rglob("*.md")]
    marks = [(page, mark) for page in pages for mark in pictures.CHART.finditer(page)]

    assert marks
    for page, mark in marks:
        assert "<rect" in pictures.chart(page, mark[1], mark[2], (mark[3] or "").split(", "))


def test_site_has_the_colours_of_the_console():
    theme = (ROOT / "web" / "src" / "platform" / "theme.css").read_text()

    light, dark = brand.stylesheet(theme).split('"slate"', 1)

    (accent,) = re.findall(r"--accent: light-dark\((#\w+), (#\w+)\);", theme.split('"console"')[1].split("}")[0])
    assert f"--md-primary-fg-color: {accent[0]};" in light
    assert f"--md-primary-fg-color: {accent[1]};" in dark


def test_missing_token_of_the_console_is_an_error():
    theme = (ROOT / "web" / "src" / "platform" / "theme.css").read_text()

    with pytest.raises(ValueError, match="lack on-accent, expected light-dark"):
        brand.stylesheet(re.sub(r"--on-accent: .*\n", "", theme))


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        ("# Cost\n\nA [bill](bill.md) has\nthree parts. Each varies.", "A bill has three parts."),
        ("# Cost\n\n```sh\ncost\n```\n\n`cost` prints it.", "`cost` prints it."),
        ("# 1. Title\n\nStatus: accepted\n\n| a |\n\n- item\n\n1. step\n\nText", "Text"),
        ("# Only a heading", ""),
    ],
)
def test_index_for_agents_has_the_first_sentence_of_a_page(page, sentence):
    assert llms.first_sentence(page) == sentence
