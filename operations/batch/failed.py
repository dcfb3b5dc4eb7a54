"""CSV file of failed users, with reasons. A later batch can read this file as its input."""

from __future__ import annotations

import csv
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from alsolike.runtime.errors import Unavailable
from operations.batch.user_ids import COLUMN, UserId

_HEADER = (COLUMN, "LINE", "REASON")


class FailedUsers:
    """Writer of the CSV file of failed users.

    After the context has exited, the file exists only if users failed and no error was raised.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        if self._file is None or kind is not None:
            self.path.unlink(missing_ok=True)

    def add(self, user: UserId, reason: str) -> None:
        try:
            if self._file is None:
                self._file = self.path.open("w", encoding="utf-8", newline="")
                csv.writer(self._file).writerow(_HEADER)
            csv.writer(self._file).writerow((user.text, user.line or "", reason))
        except OSError as error:
            raise Unavailable(f"the file of failed users {self.path} cannot be written: {error}") from error
        self.count += 1
