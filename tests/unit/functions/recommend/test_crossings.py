"""Number of files that a warm request runs through, and of changes between files."""

import sys
from pathlib import Path
from typing import Any

import pytest

from functions.recommend import handler
from tests.builders.lambda_events import LambdaContext, http_event

ROOT = Path(__file__).parents[4]
PRODUCT = (str(ROOT / "functions"), str(ROOT / "layers"))
REQUEST = http_event("POST /recommendations", {"userId": "anna"})


@pytest.fixture
def warm(stocked, monkeypatch):
    for check in ("CHAMPION_CHECK_S", "CONFIGURATION_CHECK_S", "SNAPSHOT_CHECK_S", "TRENDS_CHECK_S"):
        monkeypatch.setenv(check, "3600")
    stocked.remember("u#anna", "pear")
    return stocked


def path(call):
    """Return the files of the product that a call runs through, and the number of changes between files."""
    files: list[str] = []

    def trace(frame, event, _):
        if event not in ("call", "return"):
            return
        running = frame if event == "call" else frame.f_back
        name = "" if running is None else running.f_code.co_filename
        if name.startswith(PRODUCT) and files[-1:] != [name]:
            files.append(name)

    sys.setprofile(trace)
    try:
        call()
    finally:
        sys.setprofile(None)
    return sorted({str(Path(name).relative_to(ROOT)) for name in files}), len(files) - 1


def answer():
    answer: dict[str, Any] = handler.lambda_handler(REQUEST, LambdaContext())
    assert answer["statusCode"] == 200, answer["body"]
    return answer


def test_warm_request_runs_through_few_files(warm):
    answer()

    files, crossings = path(answer)

    assert len(files) <= 25, files
    assert crossings <= 96


def test_request_with_a_pin_and_a_boost_runs_through_few_files(warm):
    warm.catalogue({"fig": {"title": "Fig"}, "plum": {"title": "Plum"}, "kiwi": {"title": "Kiwi"}})
    warm.configure(
        items={"columns": {"title": "string"}},
        filters={"plums": 'INCLUDE ItemID WHERE Items.TITLE IN ("Plum")'},
        rules={"home": {"pins": [{"item": "kiwi", "position": 1}], "boosts": [{"filter": "plums", "factor": 2}]}},
        recommenders={"for-you": {"rules": "home"}},
    )
    assert answer()["headers"]["x-alsolike-rules"] == "home"

    files, crossings = path(answer)

    assert len(files) <= 32, files
    assert crossings <= 160
