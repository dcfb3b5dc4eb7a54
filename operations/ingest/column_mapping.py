"""Renaming of columns in import files, such as `--map VISITOR_ID=USER_ID`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alsolike.runtime.errors import InvalidInput


def parse_mapping(pairs: Sequence[str]) -> dict[str, str]:
    """Return Alsolike's column names by the file's column names, all in upper case.

    Examples
    --------
    >>> parse_mapping(["visitorid=user_id"])
    {'VISITORID': 'USER_ID'}
    """
    mapping: dict[str, str] = {}
    for pair in pairs:
        theirs, equals, ours = (part.strip().upper() for part in pair.partition("="))
        if not (theirs and equals and ours):
            raise InvalidInput(f"--map {pair} is not a pair, expected THEIRS=OURS like VISITOR_ID=USER_ID")
        if theirs in mapping or ours in mapping.values():
            raise InvalidInput(f"--map names {theirs if theirs in mapping else ours} twice")
        mapping[theirs] = ours
    return mapping


def renamed(header: Sequence[str], mapping: Mapping[str, str], *, file: str) -> list[str]:
    """Return the column names of a file after renaming, in upper case."""
    names = [name.strip().upper() for name in header]
    if unknown := [theirs for theirs in mapping if theirs not in names]:
        raise InvalidInput(
            f"--map names {', '.join(unknown)}, which {file} does not have; its columns are {', '.join(header)}"
        )
    names = [mapping.get(name, name) for name in names]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidInput(f"{file} has the column {', '.join(twice)} more than once")
    return names
