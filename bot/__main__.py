"""The command line: naibot run | try | inspect | standin | check | resume | classifier | backup | restore | …"""

import argparse
import asyncio
import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from bot import logs, wording
from bot.domain.errors import ClassifierError, StoreError
from bot.settings import data_dir_of
from bot.shell import OK, PROBLEM, UNFIT, complain, complaint_of

PEOPLE = ("member", "member2", "moderator", "admin")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the console script; returns the exit code."""
    arguments = _parser().parse_args(argv)
    # What Pillow thinks of a stranger's EXIF block is nobody's concern.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    command: Callable[[argparse.Namespace], int] = arguments.command
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show ✓ shows ? instead.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
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

    check = commands.add_parser("check", help="whether everything is ready; changes nothing")
    check.add_argument("--data", type=Path, default=None, metavar="DIR")
    check.add_argument("--offline", action="store_true", help="ask neither Discord nor NovelAI")
    check.add_argument("--ledger", action="store_true", help="only the data: needs no settings")
    check.add_argument("--alive", action="store_true", help="only whether a bot runs on this folder")
    check.set_defaults(command=_check)

    resume = commands.add_parser("resume", help="let a stopped NovelAI account work again; the bot may run meanwhile")
    resume.add_argument("account", metavar="ACCOUNT", help="its name, as `naibot check` says it")
    resume.add_argument("--data", type=Path, default=None, metavar="DIR")
    resume.set_defaults(command=_resume)

    classifier = commands.add_parser("classifier", help="what looks at pictures before they are shown")
    verbs = classifier.add_subparsers(required=True, metavar="COMMAND")
    import_ = verbs.add_parser("import", help="take the weights out of nsfwjs-4.4.0.tgz")
    import_.add_argument("file", type=Path, metavar="FILE", help="what `npm pack nsfwjs@4.4.0` made")
    import_.add_argument("--data", type=Path, default=None, metavar="DIR")
    import_.set_defaults(command=_import_classifier)
    status = verbs.add_parser("status", help="whether pictures are checked")
    status.add_argument("--data", type=Path, default=None, metavar="DIR")
    status.set_defaults(command=_classifier_status)

    backup = commands.add_parser("backup", help="save a verified copy of the database; the bot may run meanwhile")
    backup.add_argument("file", nargs="?", type=_target, metavar="FILE", help="default: dated, in DATA_DIR/backups")
    backup.add_argument("--data", type=Path, default=None, metavar="DIR")
    backup.set_defaults(command=_backup)

    restore = commands.add_parser("restore", help="put a backup in place of the database, which is kept")
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.add_argument("--data", type=Path, default=None, metavar="DIR")
    restore.set_defaults(command=_restore)

    move = commands.add_parser("migrate-store", help="copy a data folder's database into the one of DATABASE_URL")
    move.add_argument("--data", type=Path, default=None, metavar="DIR")
    move.set_defaults(command=_migrate_store)
    return parser


def _target(text: str) -> Path:
    """A file, or a folder that is there: one that was meant and is missing must not become a file of its name."""
    if text.endswith(os.sep) and not Path(text).is_dir():
        raise argparse.ArgumentTypeError(wording.say("backup.folder", path=text))
    return Path(text)


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
    from bot.serving import run

    return run(os.environ, arguments.data)


def _try(arguments: argparse.Namespace) -> int:
    from bot.practice import practise

    logs.set_up(os.environ.get("LOG_LEVEL", "WARNING"))
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
    if arguments.alive:
        # Asked twice a minute by whoever watches over a container, so it loads no library for it.
        from bot.adapters.pulse import is_alive

        lives = is_alive(data_dir_of(os.environ, arguments.data), time.time())
        print(wording.CHECK_ALIVE if lives else wording.CHECK_DEAD)
        return OK if lives else PROBLEM
    from bot.checkup import check, check_ledger

    if arguments.ledger:
        return asyncio.run(check_ledger(os.environ, arguments.data))
    return asyncio.run(check(os.environ, arguments.data, offline=arguments.offline))


def _resume(arguments: argparse.Namespace) -> int:
    from bot.adapters.store.resume import resume
    from bot.settings import Unfit, read_database

    try:
        url = read_database(os.environ)
        is_lifted = asyncio.run(resume(data_dir_of(os.environ, arguments.data), arguments.account, url))
    except Unfit as unfit:
        for code, about in unfit.problems:
            complain(code, about)
        return UNFIT
    except StoreError as error:
        complain(*complaint_of(error))
        return PROBLEM
    print(wording.say("resumed" if is_lifted else "resumed_not", account=wording.safe(arguments.account)))
    return OK if is_lifted else PROBLEM


def _import_classifier(arguments: argparse.Namespace) -> int:
    from bot.adapters.classifier import has_numpy
    from bot.adapters.classifier.weights import import_weights

    try:
        path = import_weights(arguments.file, data_dir_of(os.environ, arguments.data))
    except ClassifierError as error:
        complain(error.code, error.data)
        return PROBLEM
    print(wording.say("classifier.imported", path=path))
    if has_numpy():
        return OK
    complain("classifier.numpy", {})
    return PROBLEM


def _classifier_status(arguments: argparse.Namespace) -> int:
    from bot.adapters.classifier import is_installed

    try:
        is_there = is_installed(data_dir_of(os.environ, arguments.data))
    except ClassifierError as error:
        complain(error.code, error.data)
        return PROBLEM
    print(wording.CHECK_CLASSIFIER_OK if is_there else wording.CLASSIFIER_NONE)
    return OK if is_there else PROBLEM


def _backup(arguments: argparse.Namespace) -> int:
    from bot.adapters.store.backup import back_up

    if _saves_itself():
        return PROBLEM
    folder = data_dir_of(os.environ, arguments.data)
    try:
        made = asyncio.run(back_up(folder, arguments.file, time.time()))
    except StoreError as error:
        complain(*complaint_of(error))
        return PROBLEM
    size, held = wording.megabytes(made.size), made.contents
    print(wording.say("backup.done", path=made.path, size=size, jobs=held.jobs, members=held.members))
    return OK


def _restore(arguments: argparse.Namespace) -> int:
    from bot.adapters.store.restore import restore

    if _saves_itself():
        return PROBLEM
    folder = data_dir_of(os.environ, arguments.data)
    try:
        done = asyncio.run(restore(folder, arguments.file, time.time()))
    except StoreError as error:
        complain(*complaint_of(error))
        return PROBLEM
    held = done.contents
    written = wording.RESTORE_NEVER if held.written_at is None else wording.moment(held.written_at)
    print(wording.say("restore.done", jobs=held.jobs, members=held.members, path=arguments.file, written=written))
    if done.ended + done.dropped:
        print(wording.counted("restore.ended", done.ended + done.dropped))
    if done.kept is not None:
        print(wording.say("restore.kept", kept=done.kept))
    return OK


def _saves_itself() -> bool:
    """Whether the database is PostgreSQL's, and backups are the business of its own tools; says so."""
    from bot.settings import Unfit, read_database

    try:
        if read_database(os.environ) is None:
            return False
        complain("backup.postgres", {})
    except Unfit as unfit:
        for code, about in unfit.problems:
            complain(code, about)
    return True


def _migrate_store(arguments: argparse.Namespace) -> int:
    from bot.adapters.store.move import move
    from bot.settings import Unfit, read_database

    folder = data_dir_of(os.environ, arguments.data)
    try:
        url = read_database(os.environ)
        if url is None:
            complain("migrate.url", {})
            return UNFIT
        moved = asyncio.run(move(folder, url))
    except Unfit as unfit:
        for code, about in unfit.problems:
            complain(code, about)
        return UNFIT
    except StoreError as error:
        complain(*complaint_of(error))
        return PROBLEM
    print(wording.say("migrated", jobs=moved.jobs, members=moved.members, rows=moved.rows))
    return OK


if __name__ == "__main__":
    sys.exit(main())
