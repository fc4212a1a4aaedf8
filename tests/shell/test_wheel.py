"""The built wheel holds what the product needs, with its papers, and nothing else; installed alone, it works."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

KINDS = {
    "bot/adapters/store/migrations": {".py", ".sql"},
    "bot/adapters/tokenizers": {".py", ".xz", ".clip", ".t5", ".md"},
    "bot/standin/discord/page": {".html", ".css", ".js", ".svg", ".webmanifest", ".md"},
}
"""Where the wheel holds anything but Python, and what."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT, check=True)
    [path] = folder.glob("*.whl")
    return path


def test_the_wheel_brings_tables_migrations_and_licences(wheel: Path) -> None:
    """Tokenizer tables with their licences, migrations, the practice room's page, both packages."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        papers = {Path(name).name: archive.read(name) for name in names if "dist-info" in name}

    assert b"Copyright (c) 2021 OpenAI" in papers["LICENSE.clip"]
    assert b"Apache License" in papers["LICENSE.t5"]
    assert b"License-Expression: MIT AND Apache-2.0" in papers["METADATA"]
    tables = {"clip_merges.txt.xz", "LICENSE.clip", "t5_unigram.tsv.xz", "LICENSE.t5"}
    assert {f"bot/adapters/tokenizers/{name}" for name in tables} <= names
    assert {path.name for path in (ROOT / "bot/adapters/store/migrations").glob("*.sql")} <= {
        Path(name).name for name in names
    }
    page = {f"bot/standin/discord/page/{path.name}" for path in (ROOT / "bot/standin/discord/page").iterdir()}
    assert len(page) > 20
    assert page <= names


def test_the_wheel_brings_nothing_else(wheel: Path) -> None:
    """Python of the two packages, and of other kinds only what is known."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]

    assert {"bot", "cogs"} == {name.split("/")[0] for name in names}
    assert [] == [name for name in names if Path(name).suffix not in KINDS.get(str(Path(name).parent), {".py"})]


def test_installed_alone_it_draws_reads_and_checks(wheel: Path, tmp_path: Path) -> None:
    """In an empty environment, from a folder of its own: a picture, what it says of itself, and what is missing."""
    venv, home = tmp_path / "venv", tmp_path / "home"
    home.mkdir()
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    pip = [str(venv / "bin" / "pip"), "install", "-q", "--disable-pip-version-check", str(wheel)]
    installed = subprocess.run(pip, capture_output=True, text=True)
    if installed.returncode and re.search("NewConnectionError|ConnectTimeout|NameResolutionError", installed.stderr):
        pytest.skip("no package index can be reached")
    assert 0 == installed.returncode, installed.stderr

    def naibot(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(venv / "bin" / "naibot"), *arguments]
        env = {"PATH": os.environ["PATH"], "HOME": str(home)}
        return subprocess.run(command, cwd=home, env=env, capture_output=True, text=True, timeout=110)

    drawn = naibot("try", "--say", "/generate prompt:1girl, cherry blossoms, smile", "--out", "out")
    [picture] = (home / "out").glob("*.png")
    read = naibot("inspect", "--trust-standin", str(picture))
    checked = naibot("check")

    assert (0, 0, 1) == (drawn.returncode, read.returncode, checked.returncode), drawn.stderr
    assert "cherry blossoms" in read.stdout
    assert "DISCORD_TOKEN is missing" in checked.stdout
