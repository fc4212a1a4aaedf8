"""The built wheel holds what the product needs, with its papers, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_wheel_brings_tables_migrations_and_licences(tmp_path: Path) -> None:
    """Tokenizer tables with their licences, migrations, the practice room's page, both packages; no tests."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], cwd=ROOT, check=True
    )
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        licence = next(name for name in names if name.endswith("LICENSE.clip") and "dist-info" in name)
        assert b"Copyright (c) 2021 OpenAI" in archive.read(licence)

    tables = {"bot/adapters/tokenizers/clip_merges.txt.xz", "bot/adapters/tokenizers/LICENSE.clip"}
    assert tables <= names
    assert any(name.startswith("bot/adapters/store/migrations/") and name.endswith(".sql") for name in names)
    page = {f"bot/standin/discord/page/{path.name}" for path in (ROOT / "bot/standin/discord/page").iterdir()}
    assert len(page) > 20
    assert page <= names
    assert {"bot/__main__.py", "cogs/generate.py", "bot/adapters/tokenizers/README.md"} <= names
    assert not {"bot/README.md", "bot/imaging/README.md"} & names
    assert {"bot", "cogs"} == {name.split("/")[0] for name in names if "dist-info" not in name}
