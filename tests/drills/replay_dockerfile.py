"""
Replays deploy/Dockerfile without an engine as far as that goes, and says what it left out.

`python -m tests.drills.replay_dockerfile`: folders stand for the stages, a venv stands for the base image. An
instruction or a program that is not known here is a failure, so that nothing is left out in silence.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "deploy/Dockerfile"
INSTRUCTIONS = frozenset(
    ("FROM", "ENV", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD")
)
REPLAYED = frozenset(("python", "naibot"))
HOST_ONLY = {
    "groupadd": "would make a group on this machine",
    "useradd": "would make a user on this machine",
    "install": "gives a folder to that user",
}
STEP_TIME = 600
LINE = "/generate prompt:1girl, cherry blossoms, smile"

_INSTRUCTION = re.compile(r"([A-Za-z]+)\s+(.+)", re.DOTALL)
_PATH = re.compile(r"(?<![^\s=:])/(?=\w)")
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")


class Failure(Exception):
    """The replay ends here, and why."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction with its continuation lines joined."""

    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.name} {' '.join(self.text.split())}"


def parse(text: str) -> tuple[Instruction, ...]:
    """Every instruction, in order. Raises `Failure` for one that is not known here."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return tuple(_instruction(line) for line in joined.splitlines())


def _instruction(line: str) -> Instruction:
    match = _INSTRUCTION.fullmatch(line)
    if match is None or match[1].upper() not in INSTRUCTIONS:
        raise Failure(f"unknown instruction: {line}")
    return Instruction(match[1].upper(), match[2].strip())


def copied(instruction: Instruction) -> tuple[str | None, tuple[str, ...], str]:
    """Of a COPY: the stage it copies from (None is the context), the sources, the destination."""
    words = shlex.split(instruction.text)
    stage = words.pop(0).removeprefix("--from=") if words[0].startswith("--from=") else None
    if words[0].startswith("--"):
        raise Failure(f"unknown option: {instruction}")
    return stage, tuple(words[:-1]), words[-1]


def words_of(instruction: Instruction) -> list[str]:
    """Of ENTRYPOINT, CMD and HEALTHCHECK: the program and its arguments; the shell's form is refused."""
    text = instruction.text
    if instruction.name == "HEALTHCHECK":
        text = text.partition("CMD ")[2]
    try:
        words = json.loads(text)
    except ValueError as error:
        raise Failure(f"not in exec form: {instruction}") from error
    return [str(word) for word in words]


def commands_of(instruction: Instruction) -> list[list[str]]:
    """Of a RUN: its commands, which && joins."""
    return [shlex.split(part) for part in instruction.text.split("&&")]


@dataclass(slots=True)
class Stage:
    """A folder that stands for the root of one stage."""

    root: Path
    environ: dict[str, str]
    folder: str = "/"
    programs: dict[str, list[str]] = field(default_factory=dict)

    def path(self, inside: str) -> Path:
        """Where a path of the image lies on this machine."""
        return self.root / os.path.normpath(os.path.join(self.folder, inside)).lstrip("/")

    def moved(self, text: str) -> str:
        """The same text with every absolute path of the image under this root."""
        return _PATH.sub(lambda _: f"{self.root}/", text)

    def run(self, command: str | Sequence[str], **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a shell's line or a program inside the stage's folder and environment."""
        words = ["/bin/sh", "-euc", command] if isinstance(command, str) else list(command)
        if shutil.which(words[0], path=self.environ["PATH"]) is None:
            raise Failure(f"no such program: {words[0]}")
        return subprocess.run(
            words,
            cwd=self.path("."),
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=STEP_TIME,
            check=False,
        )


class Replay:
    """Goes through the instructions; *left_out* is what only an engine can do."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._stages: dict[str, Stage] = {}
        self._stage: Stage | None = None
        self.left_out: list[str] = []

    @property
    def stage(self) -> Stage:
        """The stage that the instructions are in. Raises `Failure` before the first FROM."""
        if self._stage is None:
            raise Failure("an instruction stands before FROM")
        return self._stage

    def do(self, instruction: Instruction) -> None:
        """Replay one instruction. Raises `Failure`."""
        print(f"  {instruction}", flush=True)
        getattr(self, f"_{instruction.name.casefold()}")(instruction)

    def _skip(self, what: object, why: str) -> None:
        self.left_out.append(f"{what}: {why}")

    def _from(self, instruction: Instruction) -> None:
        image, _, name = instruction.text.partition(" AS ")
        root = self._work / f"stage-{len(self._stages)}"
        wanted = "python" + image.partition(":")[2].partition("-")[0]
        python = wanted if _works(wanted) else sys.executable
        subprocess.run([python, "-m", "venv", root / "usr/local"], check=True, timeout=STEP_TIME)
        self._skip(f"FROM {image}", f"a venv of {Path(python).name} stands for it")
        self._stage = self._stages[name or str(len(self._stages))] = Stage(root, _environ(root))

    def _env(self, instruction: Instruction) -> None:
        for word in shlex.split(instruction.text):
            name, _, value = word.partition("=")
            known = self.stage.environ
            self.stage.environ[name] = _VARIABLE.sub(lambda m, k=known: k.get(m[1], ""), self.stage.moved(value))

    def _workdir(self, instruction: Instruction) -> None:
        self.stage.folder = os.path.join(self.stage.folder, instruction.text)
        self.stage.path(".").mkdir(parents=True, exist_ok=True)

    def _copy(self, instruction: Instruction) -> None:
        stage, sources, destination = copied(instruction)
        target = self.stage.path(destination)
        for source in sources:
            origin = self._stages[stage].path(source) if stage else ROOT / source
            if not origin.exists():
                raise Failure(f"nothing to copy at {source}")
            _copy(origin, target, into=destination.endswith("/") and origin.is_file())
        if stage:
            _move_scripts(target, self._stages[stage].root, self.stage.root)

    def _run(self, instruction: Instruction) -> None:
        commands = commands_of(instruction)
        programs = {command[0] for command in commands}
        if programs <= HOST_ONLY.keys():
            for command in commands:
                self._skip(f"RUN {shlex.join(command)}", HOST_ONLY[command[0]])
            return
        if not programs <= REPLAYED:
            raise Failure(f"not known, or not to be mixed: {', '.join(sorted(programs))}")
        done = self.stage.run(self.stage.moved(instruction.text))
        if done.returncode:
            raise Failure(f"{instruction}\n{done.stdout[-2_000:]}\n{done.stderr[-2_000:]}")

    def _user(self, instruction: Instruction) -> None:
        self._skip(instruction, "everything runs as you")

    def _volume(self, instruction: Instruction) -> None:
        self.stage.path(instruction.text).mkdir(parents=True, exist_ok=True)
        self._skip(instruction, "a folder stands for it")

    def _stopsignal(self, instruction: Instruction) -> None:
        self._skip(instruction, "nothing is stopped here")

    def _healthcheck(self, instruction: Instruction) -> None:
        self.stage.programs["HEALTHCHECK"] = words_of(instruction)
        self._skip("HEALTHCHECK's intervals", "its program is run by hand")

    def _entrypoint(self, instruction: Instruction) -> None:
        self.stage.programs["ENTRYPOINT"] = words_of(instruction)

    def _cmd(self, instruction: Instruction) -> None:
        self.stage.programs["CMD"] = words_of(instruction)


def _environ(root: Path) -> dict[str, str]:
    """An image's environment, and what this machine tells pip of its network."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.endswith("_proxy")}
    home = {"HOME": os.environ.get("HOME", "/"), "TMPDIR": tempfile.gettempdir()}
    return {**kept, **home, "PATH": f"{root}/usr/local/bin:/usr/bin:/bin"}


def _copy(origin: Path, target: Path, *, into: bool) -> None:
    if origin.is_file():
        target = target / origin.name if into else target
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(origin, target)
        return
    # Byte code is copied between stages; in the context it is what .dockerignore leaves out.
    ignored = shutil.ignore_patterns("__pycache__") if origin.is_relative_to(ROOT) else None
    shutil.copytree(origin, target, symlinks=True, dirs_exist_ok=True, ignore=ignored)


def _works(python: str) -> bool:
    """Whether that Python is here; one that pyenv only knows of has a name and no version."""
    try:
        return subprocess.run([python, "--version"], capture_output=True, timeout=STEP_TIME).returncode == 0
    except OSError:
        return False


def _move_scripts(target: Path, old: Path, new: Path) -> None:
    """The scripts of a venv begin with its address, which has another root in another stage."""
    for file in (*target.glob("bin/*"), target / "pyvenv.cfg"):
        if file.is_file() and not file.is_symlink():
            data = file.read_bytes()
            file.write_bytes(data.replace(f"{old}/".encode(), f"{new}/".encode()))


# --- what the image's programs do then --------------------------------------------------------------------------------


def try_programs(stage: Stage) -> Iterator[str]:
    """Run what the image would run; says what each did. Raises `Failure` where one does not do its work."""
    entry, data = stage.programs["ENTRYPOINT"], stage.path("/data")
    before = _listing(stage.root, data)
    bare = stage.run([*entry, *stage.programs["CMD"]])
    _expect(bare, 78, "DISCORD_TOKEN", "NOVELAI_TOKENS")
    yield "the program without settings names both tokens and exits with 78"
    _expect(stage.run([*entry, "check"]), 1)
    yield "check in an empty volume exits with 1"
    yield from _try_health(stage, data / "naibot.alive")
    _expect(stage.run([*entry, "try", "--say", LINE, "--out", str(data / "out")]), 0)
    if not any((data / "out").glob("*.png")):
        raise Failure("the practice room made no picture")
    yield "the practice room made a picture"
    if changed := sorted(before ^ _listing(stage.root, data)):
        raise Failure(f"written outside /data and /tmp: {changed[:5]}")
    yield "nothing was written outside /data and /tmp: a read-only root is enough"


def _try_health(stage: Stage, alive: Path) -> Iterator[str]:
    health = stage.programs["HEALTHCHECK"]
    _expect(stage.run(health), 1)
    for age, code in ((0, 0), (120, 1)):
        alive.touch()
        os.utime(alive, times=(time.time() - age,) * 2)
        _expect(stage.run(health), code)
    alive.unlink()
    yield "the health check exits with 0 beside a fresh sign of life, with 1 beside an old one and without"


def _expect(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    said = f"{done.stdout}{done.stderr}"
    if done.returncode != code or "Traceback" in said or not all(word in said for word in words):
        raise Failure(f"{done.args} exited with {done.returncode} instead of {code}:\n{said[-2_000:]}")


def _listing(root: Path, but: Path) -> set[tuple[str, int]]:
    """Every file with the moment of its last change, outside one folder."""
    files = (path for path in root.rglob("*") if not path.is_relative_to(but) and not path.is_symlink())
    return {(str(path), path.stat().st_mtime_ns) for path in files}


def main() -> int:
    """Replay everything; the exit code says whether it went through."""
    with tempfile.TemporaryDirectory() as work:
        replay = Replay(Path(work))
        try:
            for instruction in parse(DOCKERFILE.read_text()):
                replay.do(instruction)
            print("\nThen:")
            for line in try_programs(replay.stage):
                print(f"  {line}", flush=True)
        except (Failure, subprocess.SubprocessError) as error:
            print(f"\nFailed: {error}", file=sys.stderr)
            return 1
    print("\nNot replayed, because only an engine can:")
    for line in replay.left_out:
        print(f"  {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
