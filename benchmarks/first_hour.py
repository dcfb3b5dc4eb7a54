"""Duration of each command that a small bookshop runs from its CSV files to recommendations.

The embedded cloud boots in a temporary folder. Processor time includes the start of Python, but not the processes of
the cloud.
"""

from __future__ import annotations

import csv
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

USERS, BOOKS, EVENTS = 500, 300, 20_000
GENRES = ("crime", "fantasy", "history", "poetry", "romance", "travel")
_YEAR_S = 365 * 86_400
_TIMEOUT_S = 600
_COMPLETION = {"_ALSOLIKE_COMPLETE": "complete_bash", "COMP_WORDS": "alsolike mod", "COMP_CWORD": "1"}
"""Environment variables that make `alsolike` without arguments print bash completions of `mod`."""


def write_files(directory: Path, *, end_s: int, seed: int = 7) -> None:
    """Write users.csv, books.csv and events.csv. 90% of a user's events are with books of one genre, and 10% with any
    book.
    """
    chance = random.Random(seed)
    genre_of = [GENRES[book % len(GENRES)] for book in range(BOOKS)]
    with (directory / "books.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["ITEM_ID", "TITLE", "GENRE", "PRICE", "IN_STOCK", "TAGS", "PUBLISHED"])
        for book, genre in enumerate(genre_of):
            in_stock = "true" if chance.random() < 0.8 else "false"
            price, year = f"{chance.uniform(5, 40):.2f}", chance.randint(1990, 2024)
            rows.writerow([f"b{book}", f"Book {book}", genre, price, in_stock, f"{genre}|paper", f"{year}-05-01"])
    with (directory / "users.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["USER_ID", "NEWSLETTER"])
        rows.writerows([f"u{user}", "true" if user % 2 else "false"] for user in range(USERS))
    with (directory / "events.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE"])
        for time_s in sorted(end_s - chance.randrange(_YEAR_S) for _ in range(EVENTS)):
            user = chance.randrange(USERS)
            own = user % len(GENRES) + len(GENRES) * chance.randrange(BOOKS // len(GENRES))
            book = own if chance.random() < 0.9 else chance.randrange(BOOKS)
            rows.writerow([f"u{user}", f"b{book}", time_s, chance.choice(("view", "view", "view", "purchase"))])


def first_hour(directory: Path) -> Iterator[tuple[str, float, float | None]]:
    """Yield each command with its seconds and processor seconds. `up` has no processor seconds."""
    write_files(directory, end_s=int(time.time()) - 86_400)
    alsolike = [str(Path(sys.executable).parent / "alsolike")]
    started = time.monotonic()
    cloud = subprocess.Popen(
        [*alsolike, "up"], cwd=directory, stdout=subprocess.PIPE, stderr=sys.stderr, text=True, start_new_session=True
    )  # fmt: skip
    try:
        assert cloud.stdout is not None
        for line in cloud.stdout:
            if line.lstrip().startswith("3. "):
                break
        else:
            raise SystemExit("alsolike up has ended")
        yield "up", time.monotonic() - started, None
        for arguments in (
            ["--help"],
            [],
            ["status"],
            ["import", "items", "books.csv"],
            ["import", "users", "users.csv"],
            ["import", "interactions", "events.csv"],
            ["train"],
            ["models", "list"],
            ["recommend", "--user", "u0", "--metadata", "TITLE,GENRE"],
        ):
            before, started = _used_s(), time.monotonic()
            done = subprocess.run(
                [*alsolike, *arguments], cwd=directory, capture_output=True, text=True, timeout=_TIMEOUT_S,
                env=os.environ if arguments else {**os.environ, **_COMPLETION},
            )  # fmt: skip
            seconds, used = time.monotonic() - started, _used_s() - before
            if done.returncode:
                raise SystemExit(f"alsolike {' '.join(arguments)}: {done.stdout}{done.stderr}")
            yield " ".join(arguments) or "completion in bash", seconds, used
        if done.stdout.count(GENRES[0]) < 5:
            raise SystemExit(f"u0 reads {GENRES[0]}, but is recommended:\n{done.stdout}")
        sys.stdout.write(done.stdout)
    finally:
        cloud.terminate()
        cloud.wait(60)


def _used_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="alsolike-first-hour-") as name:
        rows = list(first_hour(Path(name)))
        sys.stdout.write("| command | s | processor s |\n|---|--:|--:|\n")
        for command, seconds, used in rows:
            shown = "" if used is None else f"{used:.2f}"
            sys.stdout.write(f"| `{command}` | {seconds:.1f} | {shown} |\n")


if __name__ == "__main__":
    main()
