"""`naibot check`: is everything ready? It reads and asks, and changes nothing."""

import base64
import binascii
import os
import re
import shutil
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path

import httpx

from bot import logs, wording
from bot.adapters.classifier import is_installed
from bot.adapters.novelai.client import NovelAIClient
from bot.adapters.store.ledger import Findings, examine
from bot.client import LoginRefused
from bot.domain.anlas import Account
from bot.domain.errors import ClassifierError, StoreError, UpstreamError
from bot.domain.guild import GuildConfig
from bot.lookaround import DiscordAway, Room, Server, Surroundings, Wanted, look_around
from bot.settings import Settings, Unfit, data_dir_of, read_database, read_settings, secret_files
from bot.shell import complaint_of

FINE, PROBLEM, AWAY = 0, 1, 2
"""Exit codes: nothing to put right, something is, nothing found but not everything could be asked."""
DISK_LEAST = 512 * 1024 * 1024
"""Bytes; a picture is 1–2 MB and waits an hour, a backup is as large as the database."""
CLOCK_TIME = 10.0
CLOCK_OFF = 5.0
"""Seconds; a Date header has whole ones."""
IDENTIFIES_LEAST = 50
ROOMS_SHOWN = 10

_DISCORD_TOKEN = re.compile(r"[\w-]{18,}\.[\w-]{4,}\.[\w-]{20,}", re.ASCII)


class Mark(StrEnum):
    """What a finding means; the value names its sign in `bot.wording`."""

    FINE = "fine"
    HINT = "hint"
    PROBLEM = "problem"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the answer."""

    mark: Mark
    text: str

    def __str__(self) -> str:
        return f"{wording.say(f'check.{self.mark}')} {self.text}"


def _finding(mark: Mark, key: str, **data: object) -> Finding:
    return Finding(mark, wording.explain(key, data))


async def check(environ: Mapping[str, str], data: Path | None, *, offline: bool) -> int:
    """Print every finding as it comes; the exit code."""
    marks = []
    async for finding in _look_at_everything(environ, data, offline=offline):
        print(finding, flush=True)
        marks.append(finding.mark)
    problems = marks.count(Mark.PROBLEM)
    if problems:
        print(wording.counted("check.some", problems))
        return PROBLEM
    print(wording.CHECK_UNKNOWN if Mark.AWAY in marks else wording.CHECK_ALL_FINE)
    return AWAY if Mark.AWAY in marks else FINE


async def check_ledger(environ: Mapping[str, str], data: Path | None) -> int:
    """Only whether the data is sound, in *data* or where ``DATABASE_URL`` says; the exit code."""
    try:
        _, findings = await _ledger(data_dir_of(environ, data), read_database(environ))
    except Unfit as unfit:
        findings = [_finding(Mark.PROBLEM, code, **about) for code, about in unfit.problems]
    for finding in findings:
        print(finding)
    return PROBLEM if any(finding.mark is Mark.PROBLEM for finding in findings) else FINE


async def _look_at_everything(
    environ: Mapping[str, str], data: Path | None, *, offline: bool
) -> AsyncIterator[Finding]:
    settings = None
    try:
        settings = read_settings(environ, data)
    except Unfit as unfit:
        for code, about in unfit.problems:
            yield _finding(Mark.PROBLEM, code, **about)
    folder = data_dir_of(environ, data)
    for finding in [*_secrets(settings, environ), *_folder(folder)]:
        yield finding
    found = None
    # An address that cannot be used is among the problems already.
    with suppress(Unfit):
        found, wrong = await _ledger(folder, read_database(environ))
        for finding in wrong:
            yield finding
    if offline:
        yield _finding(Mark.HINT, "check.offline")
    elif settings is not None:
        # What libraries think of a failed call is said here in our own words.
        logs.set_up("CRITICAL", secrets=settings.secrets)
        async for finding in _outside(settings, found):
            yield finding
    yield _classifier(folder)


def _classifier(folder: Path) -> Finding:
    try:
        if not is_installed(folder):
            return _finding(Mark.HINT, "check.classifier_none")
    except ClassifierError as error:
        return _finding(Mark.PROBLEM, error.code, **error.data)
    return _finding(Mark.FINE, "check.classifier_ok")


async def _outside(settings: Settings, found: Findings | None) -> AsyncIterator[Finding]:
    if (finding := await _clock(settings)) is not None:
        yield finding
    async for finding in _discord(settings, found):
        yield finding
    async for finding in _novelai(settings):
        yield finding


# --- on this machine -------------------------------------------------------------------------------------------------


def _secrets(settings: Settings | None, environ: Mapping[str, str]) -> Iterator[Finding]:
    for path in secret_files(environ):
        # A file of somebody else's, as a container mounts it, is theirs to lock.
        if (found := _stat(path)) and found.st_uid == os.geteuid() and found.st_mode & 0o077:
            yield _finding(Mark.HINT, "check.mode_file", path=path)
    if settings is None:
        return
    yield _finding(Mark.FINE, "check.settings_ok")
    if settings.is_practice:
        return
    if not _is_discord_token(settings.discord_token):
        yield _finding(Mark.PROBLEM, "check.discord_form")
    if not all(token.startswith("pst-") for token in settings.novelai_tokens):
        yield _finding(Mark.HINT, "check.novelai_form")
    if len(set(settings.novelai_tokens)) < len(settings.novelai_tokens):
        yield _finding(Mark.PROBLEM, "check.novelai_twice")


def _stat(path: Path) -> os.stat_result | None:
    """What is known of *path*; None where it is not there, or closed to us."""
    try:
        return path.stat()
    except OSError:
        return None


def _is_discord_token(token: str) -> bool:
    """Three parts, of which the first is the application's id in base64."""
    if not _DISCORD_TOKEN.fullmatch(token):
        return False
    first = token.partition(".")[0]
    try:
        return base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)).isdigit()
    except binascii.Error:
        return False


def _folder(folder: Path) -> Iterator[Finding]:
    nearest = next(path for path in (folder, *folder.absolute().parents) if _stat(path) is not None)
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        yield _finding(Mark.PROBLEM, "check.folder_closed", path=folder)
        return
    free = shutil.disk_usage(nearest).free
    if (found := _stat(folder)) and found.st_mode & 0o007:
        yield _finding(Mark.HINT, "check.mode_folder", path=folder)
    if free < DISK_LEAST:
        least = wording.weight(DISK_LEAST)
        yield _finding(Mark.PROBLEM, "check.disk_low", free=wording.weight(free), least=least)
    else:
        yield _finding(Mark.FINE, "check.disk_ok", free=wording.weight(free))


async def _ledger(folder: Path, url: str | None) -> tuple[Findings | None, list[Finding]]:
    try:
        found = await examine(folder, url)
    except StoreError as error:
        if error.code == "store.missing" and url is not None:
            return None, [_finding(Mark.HINT, "check.database_new")]
        if error.code == "store.missing":
            return None, [_finding(Mark.HINT, "check.folder_new", path=folder)]
        code, data = complaint_of(error)
        return None, [_finding(Mark.PROBLEM, code, **data)]
    findings = [Finding(Mark.PROBLEM, str(difference)) for difference in found.differences]
    if findings:
        findings.insert(0, _finding(Mark.PROBLEM, "check.ledger_bad", n=len(findings)))
    else:
        findings.append(_finding(Mark.FINE, "check.ledger_ok", jobs=found.jobs, members=found.members))
    if found.unreached:
        reason = wording.say(found.unreached)
        findings.append(_finding(Mark.PROBLEM, "operator.unreached", reason=reason))
    findings += [_finding(Mark.PROBLEM, "check.account_stopped", account=account) for account in found.stopped]
    behind = found.newest - time.time()
    if behind > CLOCK_OFF:
        findings.append(_finding(Mark.PROBLEM, "check.clock_back", hours=f"{behind / 3_600:.1f}"))
    return found, findings


# --- outside ---------------------------------------------------------------------------------------------------------


async def _clock(settings: Settings) -> Finding | None:
    """This machine's clock beside Discord's, if it answers; the gateway's address needs no token."""
    try:
        async with httpx.AsyncClient(timeout=CLOCK_TIME, trust_env=False) as web:
            answer = await web.get(f"{settings.discord_api}/gateway")
            off = abs(parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time())
    except (httpx.HTTPError, httpx.InvalidURL, KeyError, ValueError, TypeError):
        return None
    mark, key = (Mark.FINE, "check.clock_ok") if off <= CLOCK_OFF else (Mark.PROBLEM, "check.clock_off")
    return _finding(mark, key, seconds=int(off))


async def _discord(settings: Settings, found: Findings | None) -> AsyncIterator[Finding]:
    configs = found.configs if found is not None else {}
    try:
        seen = await look_around(settings, {guild_id: _wanted(settings, each) for guild_id, each in configs.items()})
    except LoginRefused:
        yield _finding(Mark.PROBLEM, "login.refused")
        return
    except DiscordAway:
        yield _finding(Mark.AWAY, "check.discord_away")
        return
    yield _finding(Mark.FINE, "check.discord_ok", name=wording.safe(seen.name), id=seen.application_id)
    if seen.has_endpoint:
        yield _finding(Mark.PROBLEM, "check.discord_endpoint")
    if settings.house.message_content and not seen.may_read:
        yield _finding(Mark.PROBLEM, "check.intent")
    if seen.identifies < IDENTIFIES_LEAST:
        until = time.strftime("%H:%M", time.localtime(time.time() + seen.reset_after))
        yield Finding(Mark.HINT, wording.say("check.identifies_low", n=seen.identifies, until=until))
    for finding in _servers(settings, found, seen):
        yield finding


def _wanted(settings: Settings, config: GuildConfig) -> Wanted:
    return Wanted(drawn=config.channels, watched=config.auto_inspect if settings.house.message_content else ())


def _servers(settings: Settings, found: Findings | None, seen: Surroundings) -> Iterator[Finding]:
    configs = found.configs if found is not None else {}
    link = seen.invitation(reacts=settings.house.message_content)
    if not seen.servers:
        yield _finding(Mark.PROBLEM, "check.guilds_none", link=link)
    else:
        yield _finding(Mark.HINT, "check.invite", link=link)
    for server in seen.servers:
        if server.id in configs:
            yield from _server(server)
        elif server.id not in settings.house.guilds:
            yield _finding(Mark.HINT, "check.guild_strange", server=_name(server))
        else:
            yield _finding(Mark.HINT, "check.guild_closed", server=_name(server))
    for gone in sorted([] if not seen.is_whole else configs.keys() - {server.id for server in seen.servers}):
        yield _finding(Mark.HINT, "check.guild_gone", id=gone)


def _server(server: Server) -> Iterator[Finding]:
    name = _name(server)
    if server.rooms is None:
        yield _finding(Mark.PROBLEM, "check.guild_unread", server=name)
    elif not server.rooms:
        yield _finding(Mark.HINT, "check.guild_closed", server=name)
    else:
        yield from (finding for room in server.rooms if (finding := _room(name, room)) is not None)
        able = [f"#{room.name}" for room in server.rooms if room.name is not None and not room.lacking]
        if able:
            channels = wording.safe(wording.listed(able[:ROOMS_SHOWN]))
            yield _finding(Mark.FINE, "check.guild_ok", server=name, channels=channels)
    yield from (finding for room in server.watched if (finding := _room(name, room)) is not None)


def _room(server: str, room: Room) -> Finding | None:
    if room.name is None:
        return _finding(Mark.PROBLEM, "check.channel_gone", server=server)
    if not room.lacking:
        return None
    permissions = wording.listed(wording.PERMISSIONS[name] for name in room.lacking)
    channel = wording.safe(f"#{room.name}")
    return _finding(Mark.PROBLEM, "check.channel_lacks", server=server, channel=channel, permissions=permissions)


def _name(server: Server) -> str:
    return wording.safe(wording.cut(server.name, 100))


async def _novelai(settings: Settings) -> AsyncIterator[Finding]:
    accounts: list[Account] = []
    is_all_known = True
    for n, token in enumerate(settings.novelai_tokens, start=1):
        client = NovelAIClient(settings.novelai_api, token)
        try:
            account = await client.account()
        except UpstreamError as error:
            is_refused = error.code == "failed.account"
            is_all_known &= is_refused
            mark, key = (Mark.PROBLEM, "refused") if is_refused else (Mark.AWAY, "away")
            yield _finding(mark, f"check.account_{key}", n=n, account=client.account_id)
        else:
            accounts.append(account)
            yield _account(n, client.account_id, account)
        finally:
            await client.close()
    if is_all_known and settings.house.never_spend and not any(account.draws_free for account in accounts):
        yield _finding(Mark.PROBLEM, "check.nobody")


def _account(n: int, id_: str, account: Account) -> Finding:
    tier = wording.TIERS[account.tier] if 0 <= account.tier < len(wording.TIERS) else f"tier {account.tier}"
    anlas = wording.count(account.anlas or 0)
    if not account.active:
        return _finding(Mark.PROBLEM, "check.account_ended", n=n, account=id_, anlas=anlas)
    key = "check.account_ok" if account.draws_free else "check.account_paid"
    mark = Mark.FINE if account.draws_free else Mark.HINT
    return _finding(mark, key, n=n, account=id_, tier=tier, anlas=anlas)
