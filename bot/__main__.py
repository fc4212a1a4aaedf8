"""The command line: naibot run | try | inspect | standin | check."""

import argparse
import asyncio
import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from bot import wording
from bot.domain.errors import StoreError
from bot.settings import Unfit, read_settings

PEOPLE = ("member", "member2", "moderator", "admin")
OK, PROBLEM = 0, 1


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the console script; returns the exit code."""
    arguments = _parser().parse_args(argv)
    # What Pillow thinks of a stranger's EXIF block is nobody's concern.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        return command(arguments)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="naibot", description="A self-hosted Discord bot for NovelAI Diffusion.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="serve Discord; settings come from the environment")
    run.add_argument("--data", type=Path, help="the folder that holds everything (default: DATA_DIR, or ./data)")
    run.set_defaults(command=_run)

    try_ = commands.add_parser("try", help="the whole bot in a practice room; no account needed")
    try_.add_argument("--say", dest="script", action=_Line, metavar="LINE", help="say a line, wait for its answer")
    try_.add_argument("--as", dest="script", action=_Line, choices=PEOPLE, help="be somebody else from here on")
    try_.add_argument("--in", dest="script", action=_Line, metavar="CHANNEL", help="speak elsewhere from here on")
    try_.add_argument("--out", type=Path, metavar="DIR", help="keep pictures and transcript.jsonl here")
    try_.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS", help="for each line (60)")
    try_.add_argument("--at", metavar="ADDRESS", help="speak to a practice room that is open already")
    try_.add_argument("--data", type=Path, metavar="DIR", help="keep the bot's data here")
    try_.set_defaults(command=_try, script=[])

    inspect = commands.add_parser("inspect", help="read what images say of themselves")
    inspect.add_argument("files", nargs="+", metavar="FILE")
    inspect.add_argument("--json", action="store_true", help="one JSON object a line")
    inspect.add_argument("--trust-standin", action="store_true", help="accept the practice room's signatures too")
    inspect.set_defaults(command=_inspect)

    standin = commands.add_parser("standin", help="the pretend NovelAI by itself, on this machine")
    standin.add_argument("--port", type=int, default=0)
    standin.add_argument("--discord", action="store_true", help="the pretend Discord too")
    standin.add_argument("--env", type=Path, metavar="FILE", help="write the settings that meet it")
    standin.add_argument("--fault", action="append", default=[], metavar="NAME[=N]", help="fail on purpose")
    standin.add_argument("--with-parent", action="store_true", help=argparse.SUPPRESS)
    standin.set_defaults(command=_standin)

    check = commands.add_parser("check", help="whether the ledger adds up; reads only")
    check.add_argument("--data", type=Path, default=None, metavar="DIR")
    check.set_defaults(command=_check)
    return parser


class _Line(argparse.Action):
    """Keeps --say, --as and --in in the order in which they were given."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        namespace.script = [*namespace.script, (str(option_string).lstrip("-"), str(values))]


def _run(arguments: argparse.Namespace) -> int:
    from bot.app import run

    try:
        settings = read_settings(os.environ, arguments.data)
    except Unfit as unfit:
        for code, data in unfit.problems:
            _complain(code, data)
        return PROBLEM
    _log(settings.log_level)

    async def serve() -> None:
        ready = asyncio.Event()
        serving = asyncio.create_task(run(settings, ready))
        loop = asyncio.get_running_loop()
        for signal_ in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signal_, serving.cancel)
        announcing = asyncio.create_task(ready.wait())
        await asyncio.wait({serving, announcing}, return_when=asyncio.FIRST_COMPLETED)
        if ready.is_set():
            print(wording.SHELL_READY, flush=True)
        announcing.cancel()
        await serving

    return _guarded(serve)


def _guarded(serve: Callable[[], object]) -> int:
    from bot.client import LoginRefused

    try:
        asyncio.run(serve())  # type: ignore[arg-type]
    except asyncio.CancelledError:
        print(wording.SHELL_STOPPED)
    except StoreError as error:
        _complain(error.code, error.data)
        return PROBLEM
    except LoginRefused:
        _complain("login.refused", {})
        return PROBLEM
    return OK


def _try(arguments: argparse.Namespace) -> int:
    from bot.practice import practise

    _log(os.environ.get("LOG_LEVEL", "WARNING"))
    return asyncio.run(
        practise(
            arguments.script,
            out=arguments.out,
            patience=arguments.timeout,
            address=arguments.at,
            data=arguments.data,
        )
    )


def _inspect(arguments: argparse.Namespace) -> int:
    from bot.imaging.report import report

    is_readable = report(arguments.files, trusts_standin=arguments.trust_standin, as_json=arguments.json)
    return OK if is_readable else PROBLEM


def _standin(arguments: argparse.Namespace) -> int:
    from bot.standin.server import serve

    return asyncio.run(
        serve(
            port=arguments.port,
            with_discord=arguments.discord,
            env=arguments.env,
            faults=arguments.fault,
            with_parent=arguments.with_parent,
        )
    )


def _check(arguments: argparse.Namespace) -> int:
    from bot.adapters.store.ledger import examine

    folder = arguments.data or Path(os.environ.get("DATA_DIR", "data"))
    try:
        found = asyncio.run(examine(folder))
    except StoreError as error:
        _complain(error.code, error.data)
        return PROBLEM
    for difference in found.differences:
        print(difference)
    if found.differences:
        print(wording.say("check.ledger_bad", n=len(found.differences)))
        return PROBLEM
    print(wording.say("check.ledger_ok", jobs=found.jobs, members=found.members))
    if found.unreached:
        print(wording.say("operator.unreached", reason=wording.say(found.unreached)))
        return PROBLEM
    return OK


def _complain(code: str, data: object) -> None:
    print(wording.explain(code, data if isinstance(data, dict) else dict(data)), file=sys.stderr)  # type: ignore[call-overload]


def _log(level: str) -> None:
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for talkative in ("discord.gateway", "discord.webhook.async_", "discord.http", "aiosqlite"):
        # At DEBUG these write interaction tokens and people's text.
        logging.getLogger(talkative).setLevel(max(logging.INFO, logging.getLogger().level))
    for talkative in ("httpx", "httpcore"):
        logging.getLogger(talkative).setLevel(max(logging.WARNING, logging.getLogger().level))
    # It warns at each start that voice is not installed.
    logging.getLogger("discord.client").setLevel(logging.ERROR)


if __name__ == "__main__":
    sys.exit(main())
