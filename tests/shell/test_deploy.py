"""What an operator is given: settings, pinned packages, unit, image and compose file agree with the program."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import discord
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bot import wording
from bot.adapters.novelai.client import TOTAL
from bot.domain.guild import HouseConfig
from bot.domain.job import DRAFT_LIFE
from bot.lookaround import REACTING
from bot.services.upkeep import PICTURE_LIFE
from bot.settings import read_settings
from cogs.ui.places import DRAWING, WRITING
from tests.drills.replay_dockerfile import DOCKERFILE, Failure, Instruction, copied, parse, words_of

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
README = (DEPLOY / "README.md").read_text()
UNIT = (DEPLOY / "naibot.service").read_text()
ENV = (DEPLOY / "env.example").read_text()
COMPOSE = (DEPLOY / "compose.yaml").read_text()

TOKENS = {"DISCORD_TOKEN": "MTIz.real.token", "NOVELAI_TOKENS": "pst-real"}
PRACTICE_ONLY = {"BACKSTAGE_URL", "SEED", "STANDIN_URL"}
SYSTEMD_ONLY = {"CREDENTIALS_DIRECTORY"}


# --- env.example ------------------------------------------------------------------------------------------------------


class _Asked(Mapping[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _defaults() -> dict[str, str]:
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", ENV, re.MULTILINE))


def _asked() -> set[str]:
    environ = _Asked(TOKENS)
    read_settings(environ)
    return environ.names


def test_every_setting_is_in_the_example_and_no_other() -> None:
    """The names are those that the program asks its environment for, without the practice room's."""
    assert _asked() >= PRACTICE_ONLY | SYSTEMD_ONLY

    assert _asked() - PRACTICE_ONLY - SYSTEMD_ONLY == set(_defaults())
    assert all(name in ENV.split("\n\n")[0] for name in PRACTICE_ONLY)


def test_every_setting_has_its_comment_and_shows_its_default() -> None:
    """One line above each; with the comment signs taken away nothing changes."""
    lines = ENV.splitlines()
    above = [before for before, line in pairwise(lines) if re.match(r"#?[A-Z_]+=", line)]

    assert len(_defaults()) == len(above)
    assert all(re.match(r"# \S", line) for line in above)
    assert read_settings(TOKENS) == read_settings({**_defaults(), **TOKENS})


def test_the_example_as_it_is_sets_nothing() -> None:
    """Who copies it and changes nothing has the defaults, and no secret is set twice."""
    assert [] == [line for line in ENV.splitlines() if line and not line.startswith("#")]


# --- requirements -----------------------------------------------------------------------------------------------------


def _pinned(name: str) -> dict[str, str]:
    """Package → version, each with at least one hash."""
    text = re.sub(r"\s*\\\n\s*", " ", (DEPLOY / name).read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines
    assert all(re.search(r" --hash=sha256:[0-9a-f]{64}( |$)", line) for line in lines)
    pins = [re.match(r"([a-z0-9-]+)==(\S+) ", line) for line in lines]
    assert all(pins)
    return {pin[1]: pin[2] for pin in pins if pin}


@pytest.mark.parametrize(
    ("file", "table", "key"),
    [
        ("requirements.txt", "project", "dependencies"),
        ("requirements-build.txt", "build-system", "requires"),
        ("requirements-postgres.txt", "project", "postgres"),
        ("requirements-classifier.txt", "project", "classifier"),
    ],
)
def test_what_the_project_needs_is_pinned_by_hash(file: str, table: str, key: str) -> None:
    """Each dependency, at a version that pyproject.toml allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())[table]
    needed = [Requirement(line) for line in {**project, **project.get("optional-dependencies", {})}[key]]
    pinned = _pinned(file)

    assert needed
    for each in needed:
        assert each.specifier.contains(pinned[canonicalize_name(each.name)]), each


def test_nothing_names_a_package_index() -> None:
    """Where packages come from is the operator's pip's business."""
    for name in (
        "requirements.txt",
        "requirements-build.txt",
        "requirements-postgres.txt",
        "requirements-classifier.txt",
        "Dockerfile",
        "compose.yaml",
    ):
        text = (DEPLOY / name).read_text()
        assert not re.search(r"://|--(extra-)?index|--find-links|pypi", text), name


@pytest.mark.parametrize("extra", ["", "-build", "-postgres", "-classifier"])
def test_pip_finds_the_pinned_packages_and_misses_none(extra: str) -> None:
    """Every one that these need is pinned too, and its hash is one of the published."""
    pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--require-hashes", "-q", "-r"]
    done = subprocess.run([*pip, DEPLOY / f"requirements{extra}.txt"], capture_output=True, text=True, timeout=110)

    if done.returncode and re.search("NewConnectionError|ConnectTimeout|NameResolutionError", done.stderr):
        pytest.skip("no package index can be reached")
    assert 0 == done.returncode, done.stderr


# --- the unit ---------------------------------------------------------------------------------------------------------


def _systemd_analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("needs systemd-analyze")
    return found


def test_the_unit_is_rated_two_or_better() -> None:
    """0 is the least exposed, 10 the most."""
    command = [_systemd_analyze(), "security", "--offline=true", "--no-pager", DEPLOY / "naibot.service"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    rating = re.search(r"exposure level for naibot\.service: ([\d.]+)", done.stdout)
    assert rating is not None, done.stdout + done.stderr
    assert float(rating[1]) <= 2.0


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    """Nothing to remark, once the program is one that is on this machine."""
    unit = tmp_path / "naibot.service"
    unit.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={shutil.which('true')}", UNIT))

    done = subprocess.run([_systemd_analyze(), "verify", unit], capture_output=True, text=True, timeout=60)

    assert (0, "") == (done.returncode, done.stderr)


def test_the_units_credentials_are_the_ones_that_are_read(tmp_path: Path) -> None:
    """With nothing but the credentials directory the settings are fit."""
    for name in re.findall(r"(?m)^LoadCredential=(\w+):", UNIT):
        (tmp_path / name).write_text(f"{TOKENS[name]}\n")

    settings = read_settings({"CREDENTIALS_DIRECTORY": str(tmp_path)})

    assert (TOKENS["DISCORD_TOKEN"], (TOKENS["NOVELAI_TOKENS"],)) == (settings.discord_token, settings.novelai_tokens)


def test_whoever_stops_it_waits_for_the_picture_that_is_being_drawn() -> None:
    """A minute more than NovelAI may take, in both."""
    unit = re.search(r"(?m)^TimeoutStopSec=(\d+)s$", UNIT)
    compose = re.search(r"(?m)^ +stop_grace_period: (\d+)m$", COMPOSE)

    assert unit is not None
    assert compose is not None
    assert min(int(unit[1]), 60 * int(compose[1])) >= TOTAL + 60


# --- the image --------------------------------------------------------------------------------------------------------

STEPS = parse(DOCKERFILE.read_text())


def _all(name: str) -> list[Instruction]:
    return [step for step in STEPS if step.name == name]


def test_what_the_image_copies_is_there_and_nothing_else_reaches_the_engine() -> None:
    """The sources of COPY, and the exceptions of the ignore file, are one list."""
    sources = {source.rstrip("/") for stage, found, _ in map(copied, _all("COPY")) if stage is None for source in found}
    rules = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()

    assert sources
    assert all((ROOT / source).exists() for source in sources)
    assert "*" == next(rule for rule in rules if not rule.startswith("#"))
    assert sources == {rule[1:] for rule in rules if rule.startswith("!")}


def test_the_image_runs_as_nobody_special() -> None:
    """The last stage ends as a user by number, which needs no name to be known not to be root."""
    last = STEPS[max(n for n, step in enumerate(STEPS) if step.name == "FROM") :]
    [user] = [step.text for step in last if step.name == "USER"]

    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert f"--uid {user.partition(':')[0]} " in next(step.text for step in last if "useradd" in step.text)
    assert {"SIGTERM"} == {step.text for step in _all("STOPSIGNAL")}


def test_packages_are_installed_by_hash_or_from_what_was_just_built() -> None:
    """No RUN lets pip choose."""
    installs = [step.text for step in _all("RUN") if " install " in step.text and "pip" in step.text]

    assert len(installs) == 3
    assert all("--require-hashes" in each or "--no-deps --no-index" in each for each in installs)


def test_image_and_compose_ask_for_life_in_one_way() -> None:
    """The same words in both."""
    [health] = _all("HEALTHCHECK")
    test = re.search(r"test: \[(.+)\]", COMPOSE)

    assert test is not None
    assert ["CMD", *words_of(health)] == re.findall(r'"([^"]+)"', test[1])


def test_the_replay_leaves_no_instruction_out_in_silence() -> None:
    """What it does not know is a failure."""
    with pytest.raises(Failure):
        parse("FROM scratch\nADD secrets /\n")
    assert [Instruction("RUN", "a b")] == list(parse("# why\nRUN a \\\n  b\n"))


# --- compose ----------------------------------------------------------------------------------------------------------


def _compose() -> list[str]:
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            done = subprocess.run([*command, "version"], capture_output=True, timeout=60)
            if done.returncode == 0:
                return command
    pytest.skip("needs docker compose")


def test_the_client_accepts_the_compose_file(tmp_path: Path) -> None:
    """It renders what we rely on; no engine is asked."""
    for name in ("compose.yaml", "Dockerfile"):
        shutil.copy(DEPLOY / name, tmp_path)
    shutil.copy(DEPLOY / "env.example", tmp_path / "naibot.env")

    command = [*_compose(), "-f", tmp_path / "compose.yaml", "config"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert 0 == done.returncode, done.stderr
    rendered = re.sub(r"[\"' ]+", " ", done.stdout)
    for line in ("read_only: true", "- no-new-privileges:true", "- ALL", "restart: unless-stopped"):
        assert line in rendered
    assert "DISCORD_TOKEN_FILE: /run/secrets/discord_token\n" in rendered
    assert "NOVELAI_TOKENS_FILE: /run/secrets/novelai_tokens\n" in rendered


def test_secrets_and_settings_are_never_committed() -> None:
    """Git ignores what the operator puts beside the compose file."""
    named = re.findall(r"(?m)^ +(?:file:|-) ((?:secrets/\w+)|(?:\w+\.env))$", COMPOSE)

    assert {"secrets/discord_token", "secrets/novelai_tokens", "naibot.env"} == set(named)
    ignored = (ROOT / ".gitignore").read_text().split()
    assert {"*.env", "/deploy/secrets/"} <= set(ignored)


# --- the README -------------------------------------------------------------------------------------------------------


def test_the_invitation_asks_for_what_the_bot_uses_and_nothing_else() -> None:
    """The integer, the table and the code name the same permissions."""
    [asked] = re.findall(r"permissions=(\d+)", README)
    assert f"ends in {int(asked) | REACTING}" in README
    permissions = discord.Permissions(int(asked))
    table = re.findall(r"(?m)^\| [A-Z][\w ]+ \| (\d+) \| ", README)

    # discord.py knows View Channels by its older name.
    used = {*DRAWING, *WRITING, "send_messages_in_threads"} - {"view_channel"} | {"read_messages"}
    assert used == {name for name, is_set in permissions if is_set}
    assert int(asked) == sum(map(int, table))
    assert "scope=bot+applications.commands&" in README


def test_what_must_be_known_stands_before_the_first_command() -> None:
    """Whose terms hold, who starts pictures, what is stored of members, what is not checked."""
    top = " ".join(README.partition("```")[0].split())

    for words in (
        "**Not affiliated** with NovelAI (Anlatan) or Discord",
        "terms are between you and NovelAI",
        "shared or resold have been banned",
        "started by a person",
        "app directory may have none",
        "Pictures are not checked",
        "You store data about members",
    ):
        assert words in top


def test_the_times_for_which_things_are_kept_are_the_programs() -> None:
    """30 days, an hour, a quarter of an hour."""
    assert (30, 3_600, 15 * 60) == (HouseConfig().retention_days, PICTURE_LIFE, DRAFT_LIFE)
    assert "`RETENTION_DAYS` after the request, 30 unless" in README
    assert "| pictures | an hour after they were shown;" in README
    assert "| 15 minutes |" in README


def _sentences() -> list[str]:
    return [value for name, value in vars(wording).items() if name.isupper() and isinstance(value, str)]


def test_the_troubleshooting_table_quotes_sentences_that_the_program_says() -> None:
    """Each quoted row fits a sentence of wording, with something in its places."""
    said = [re.sub(r"\\\{\w+\\\}", ".+", re.escape(text)) for text in _sentences() if re.search("[a-z]{3}", text)]
    table = README.partition("\n## When something is wrong\n")[2].partition("\n## ")[0]
    quoted = [text for text in re.findall(r"(?m)^\| `([^`]+)` ", table) if " " in text]

    assert len(quoted) > 10
    assert [] == [text for text in quoted if not any(re.fullmatch(each, text) for each in said)]


def test_every_file_that_the_readme_points_at_is_there() -> None:
    """Links and the paths in its commands."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    paths = re.findall(r"(?<![\w/])deploy/[\w.-]+\.(?:txt|example|service|yaml)", README)

    assert links
    assert all((DEPLOY / link).exists() for link in links)
    assert all((ROOT / path).exists() for path in paths)
