"""Column names of import files: `--map VISITOR_ID=USER_ID` for files of other shops and tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alsolike.runtime.errors import InvalidInput


def parse_mapping(pairs: Sequence[str]) -> dict[str, str]:
    """Return the names here by the names in the file, both in upper case.

    Parameters
    ----------
    pairs
        `THEIRS=OURS`; case does not matter.

    Raises
    ------
    InvalidInput
        If a pair is none, or names a column that another one names.

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
    """Return what the columns of a file are called here, in upper case.

    Raises
    ------
    InvalidInput
        If the mapping names a column that the file does not have, or two columns get one name.
    """
    names = [name.strip().upper() for name in header]
    if unknown := [theirs for theirs in mapping if theirs not in names]:
        raise InvalidInput(
            f"--map names {', '.join(unknown)}, which {file} does not have; its columns are {', '.join(header)}"
        )
    names = [mapping.get(name, name) for name in names]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidInput(f"{file} has the column {', '.join(twice)} more than once")
    return names
