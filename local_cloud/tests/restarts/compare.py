"""Program that compares the resources of a cloud before `kill -9` with those after the restart.

`python -m restarts.compare ASSEMBLY DIRECTORY` prints the values that differ, as JSON: path, value before, value after.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

UNSTORED = re.compile(
    r"cloudwatch [^ ]+\.alarms\..*\.(history|state_)"  # States of alarms are not stored.
    r"|dynamodbstreams .*\.shard_iterators\."  # Clients get new iterators.
    r"|s3 .*\.(multipart|_tick)\b"  # These are parts of a completed upload and moto's counter.
    r"|sns .*\.sent_notifications\."  # moto's list of delivered messages
    r"|stepfunctions .*\.executions\.\d+\.(exec_worker|state_machine)\b"  # thread of an ended execution
)
OPAQUE = {"<Condition>", "<lock>", "<RLock>", "<Event>", "<EnumType>", "<RSAKey>", "<Pattern>"}


def boot(assembly: Path, directory: Path, *options: str) -> dict[str, str]:
    """Boot a cloud with the data of a directory. Return the values of moto that the cloud stores, by path."""
    file = directory / "state.json"
    command: list[str | Path] = [sys.executable, "-m", "restarts.boot_once", assembly, directory / "data", file]
    subprocess.run([*command, *options], check=True, timeout=600, stdout=subprocess.DEVNULL)
    state = {path: text for path, text in json.loads(file.read_text()).items() if not UNSTORED.search(path)}
    assert {
        text for text in state.values() if re.fullmatch("<.*>", text)
    } <= OPAQUE  # Values of other classes would not be compared.
    return state


def main() -> None:
    assembly, directory = map(Path, sys.argv[1:])
    before = boot(assembly, directory, "--change")
    after = boot(assembly, directory)
    pairs = {path: (before.get(path), after.get(path)) for path in before.keys() | after.keys()}
    print(json.dumps({path: pair for path, pair in pairs.items() if pair[0] != pair[1]}))


if __name__ == "__main__":
    main()
