"""Runs `naibot try --say …` as a person would, and gives back what they would see."""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Visit:
    """Exit code, transcript and files of one `naibot try`."""

    code: int
    stdout: str
    stderr: str
    transcript: list[dict[str, Any]]
    folder: Path

    def line(self, n: int) -> list[dict[str, Any]]:
        """The messages that line *n* (from 1) made or changed."""
        return [entry for entry in self.transcript if entry["line"] == n]

    def said(self, n: int) -> str:
        """Their contents, joined."""
        return "\n".join(str(entry.get("content", "")) for entry in self.line(n))

    def files(self, n: int) -> list[Path]:
        """The attachments that line *n* left."""
        names = [name for entry in self.line(n) for name in entry.get("attachments", ())]
        return [self.folder / name for name in names]


async def naibot(*arguments: str, env: dict[str, str] | None = None, deadline: float = 110) -> tuple[int, str, str]:
    """Run `python -m bot` in the checkout; exit code, stdout, stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments,
        cwd=ROOT, env=env, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(deadline):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def visit(folder: Path, *arguments: str) -> Visit:
    """`naibot try` with *arguments*, keeping what came out in *folder*."""
    code, out, err = await naibot("try", *arguments, "--out", str(folder))
    path = folder / "transcript.jsonl"
    entries = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return Visit(code=code, stdout=out, stderr=err, transcript=entries, folder=folder)


def say(*lines: str) -> list[str]:
    """Arguments that say *lines* in order."""
    return [part for line in lines for part in ("--say", line)]
