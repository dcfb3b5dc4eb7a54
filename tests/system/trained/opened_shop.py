"""Shop that imported a history, a catalogue and users, and trained once."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

from tests.booted.shop import SECONDS_PER_DAY, Answer, Shop, eventually, write_history

USERS, DAYS = 60, 24
END = time.time() - 2 * SECONDS_PER_DAY
"""End of the imported history."""

SOLD = ("sofa", "lamp", "desk")
"""Products of the aisles 0, 1 and 2."""

CONFIGURATION = "format: 1\nusers:\n  columns:\n    CLUB: string\n"


@dataclasses.dataclass
class Training:
    """Responses of the operator's API about the first training.

    `repeated` is the response to the same request, and `other` to another start while the training runs.
    """

    started: Answer
    repeated: Answer
    other: Answer
    ended: dict[str, Any]


@dataclasses.dataclass
class Opening:
    """Results of the steps until the first model.

    `rows` has user, item and time of the imported purchases. `rejected` has the lines of the file of rejected rows.
    """

    before: Answer
    rows: list[tuple[str, str, int]]
    imported: dict[str, Any]
    rejected: list[str]
    training: Training


class OpenedShop(Shop):
    """Shop with a champion. The user with number n buys in aisle n % 3 and belongs to club n % 3."""

    opening: Opening

    def open(self, directory: Path) -> None:
        before = self.recommend("user-0")
        history = directory / "history.csv"
        rows = write_history(history, users=USERS, days=DAYS, end=END)
        with history.open("a") as file:
            file.write("user-0,item-00,yesterday,purchase\n,item-00,1700000000,purchase\n")
        items = directory / "items.csv"
        titles = {item: f"{SOLD[int(item[-2])]} {'abcdefghij'[int(item[-1])]}" for _, item, _ in rows}
        lines = (f"{item},aisle {item[-2]},{title},1.5\n" for item, title in sorted(titles.items()))
        items.write_text("ITEM_ID,AISLE,TITLE,PRICE\n" + "".join(lines))
        users = directory / "users.csv"
        users.write_text("USER_ID,CLUB\n" + "".join(f"user-{user},club {user % 3}\n" for user in range(USERS)))
        self.configure(CONFIGURATION, directory)
        imported = self.alsolike("import", "interactions", history)
        self.alsolike("import", "items", items)
        self.alsolike("import", "users", users)
        (rejected,) = directory.glob("*.rejected.csv")
        self.opening = Opening(before, rows, imported, rejected.read_text().splitlines(), self._train())
        assert self.opening.training.ended["outcome"] == "promoted", self.opening.training.ended
        eventually(
            lambda: self.recommend("user-0"), holds=lambda answer: answer.headers["x-alsolike-source"] == "model"
        )

    def _train(self) -> Training:
        started, repeated, other = (
            self.administer("POST", "/operator/trainings", {"clientToken": token, "reason": "the first"})
            for token in ("one", "one", "two")
        )
        run_id = started.document["id"]

        def run() -> dict[str, Any]:
            runs = self.administer("GET", "/operator/trainings").document["runs"]
            found: dict[str, Any] = next(run for run in runs if run["id"] == run_id)
            return found

        ended = eventually(run, holds=lambda found: found["status"] != "RUNNING", within_s=300)
        return Training(started, repeated, other, ended)

    def configure(self, text: str, directory: Path) -> None:
        file = directory / "alsolike.yaml"
        file.write_text(text)
        self.alsolike("config", "apply", file)
