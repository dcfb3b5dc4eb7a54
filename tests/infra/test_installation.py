"""Installation from exactly the files of the lock. `make` does not use the environment of another clone."""

import re
import shutil
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
UV = Path(sys.executable).with_name("uv")


def wheel(folder, name):
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return sha256(path.read_bytes()).hexdigest()


def install(folder, *, lock):
    """Install the group `dev` as `make setup` does, from wheels in `folder`."""
    (folder / "requirements.lock").write_text(lock)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "shop"\nversion = "1"\ndependencies = ["locked"]\n[dependency-groups]\ndev = ["tool"]\n'
    )
    return pip_install(folder, "-c", "requirements.lock", "-r", "pyproject.toml", "--group", "dev")


def pip_install(folder, *arguments):
    locked = ["--require-hashes", "--no-index", "--find-links", ".", *arguments]
    command = [UV, "pip", "install", "--python", sys.executable, "--target", "installed", *locked]
    return subprocess.run(command, cwd=folder, text=True, capture_output=True, check=False)


@pytest.mark.parametrize(
    ("lock", "refusal"),
    [
        ("locked==1.0 --hash=sha256:{locked}\ntool==1.0 --hash=sha256:{tool}\n", None),
        ("locked==1.0 --hash=sha256:{locked}\ntool==1.0 --hash=sha256:{locked}\n", "Hash mismatch for `tool==1.0`"),
        ("locked==1.0 --hash=sha256:{locked}\n", "no trusted hash was provided for: `tool`"),
    ],
    ids=["locked", "another hash", "missing"],
)
def test_only_packages_with_the_hash_of_the_lock_are_installed(tmp_path, lock, refusal):
    digests = {name: wheel(tmp_path, name) for name in ("locked", "tool")}

    done = install(tmp_path, lock=lock.format(**digests))

    assert (done.returncode == 0) == (refusal is None), done.stderr
    assert refusal is None or refusal in done.stderr


def test_locks_name_no_host():
    locks = [
        LOCK,
        *ROOT.glob("layers/*/requirements.txt"),
        *ROOT.glob("requirements/*.txt"),
        *ROOT.glob("model_export/*.txt"),
        *ROOT.glob("**/package-lock.json"),
    ]
    hosts = [
        str(path) for path in locks if "node_modules" not in path.parts and re.search(r"//[a-z]", path.read_text())
    ]
    assert hosts == []


@pytest.fixture
def clone(tmp_path):
    """Return a folder with the files that determine the commands of `make`."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def planned(clone):
    return subprocess.run(["make", "-n", "setup"], cwd=clone, text=True, capture_output=True, check=True).stdout


def environment(clone, *, made_for):
    """Write the files of `python -m venv`, and the stamps of a complete installation."""
    (clone / ".venv").mkdir()
    (clone / ".venv" / "pyvenv.cfg").write_text(
        f"home = /usr/bin\ncommand = /usr/bin/python3 -m venv {made_for}/.venv\n"
    )
    for stamp in ("uv", "demo", "compiled", "dev"):
        (clone / ".venv" / f"{stamp}.done").touch()


def test_environment_of_this_folder_is_kept(clone):
    environment(clone, made_for=clone)
    assert "venv" not in planned(clone)


@pytest.mark.parametrize("other", ["other", "clone/below"])
def test_environment_copied_from_another_clone_is_rebuilt(clone, other):
    environment(clone, made_for=clone.parent / other)
    commands = planned(clone)
    assert "-m venv --clear .venv" in commands
    assert "--no-deps --no-build-isolation -e ." in commands


def test_every_installation_of_make_requires_hashes():
    recipes = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    commands = [line for line in recipes.splitlines() if re.search(r"pip install\b", line) and not line.startswith("#")]

    assert len(commands) >= 4
    own = [line for line in commands if "-e ." in line]  # The repository itself is installed without dependencies.
    assert all("--no-deps" in line for line in own)
    assert [line for line in commands if "--require-hashes" not in line and line not in own] == []


def test_torch_index_hashes_are_those_of_the_locked_version():
    (listed,) = re.findall(r"^(torch==\S+)", (ROOT / "requirements" / "torch.txt").read_text(), re.MULTILINE)

    assert f"\n{listed} ;" in LOCK.read_text()
    assert listed in (ROOT / "requirements" / "torch.in").read_text()


def test_torch_build_without_a_listed_hash_is_refused(tmp_path):
    path = tmp_path / "torch-2.13.0+cpu-py3-none-any.whl"
    wheel(tmp_path, "torch")
    with zipfile.ZipFile(tmp_path / "torch-1.0-py3-none-any.whl") as made, zipfile.ZipFile(path, "w") as archive:
        for name in made.namelist():
            content = made.read(name).decode().replace("Version: 1.0", "Version: 2.13.0+cpu")
            archive.writestr(name.replace("torch-1.0", "torch-2.13.0+cpu"), content)

    refused = pip_install(tmp_path, "-r", ROOT / "requirements" / "torch.txt")

    assert refused.returncode != 0
    assert "Hash mismatch for `torch==2.13.0+cpu`" in refused.stderr
