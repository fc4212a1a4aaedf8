"""Environment and secret files, read once into one frozen `Settings`; every problem is reported at once."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bot.domain.allowance import Caps
from bot.domain.guild import HouseConfig
from bot.domain.shards import Shards
from bot.logs import FORMATS, PLAIN

DISCORD_API = "https://discord.com/api/v10"
DISCORD_GATEWAY = "wss://gateway.discord.gg/"
NOVELAI_API = "https://image.novelai.net"
SECRET_BYTES = 4_096
CAP_MAX = 10_000_000
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SECRETS = ("DISCORD_TOKEN", "NOVELAI_TOKENS", "DATABASE_URL")
DATABASES = ("postgresql", "postgres")
SHARDS_MAX = 1_000
_SPAN = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?", re.ASCII)
PRACTICE_TOKEN = "practice-room"  # noqa: S105 - the stand-in's, and no secret


class Unfit(Exception):
    """The settings cannot be used; *problems* are (code, data) of sentences in `bot.wording`."""

    def __init__(self, problems: list[tuple[str, dict[str, object]]]) -> None:
        super().__init__(", ".join(code for code, _ in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator decided. Secrets never show in a repr."""

    discord_token: str = field(repr=False)
    novelai_tokens: tuple[str, ...] = field(repr=False)
    discord_api: str = DISCORD_API
    discord_gateway: str = DISCORD_GATEWAY
    novelai_api: str = NOVELAI_API
    data_dir: Path = Path("data")
    database_url: str | None = field(default=None, repr=False)
    house: HouseConfig = field(default_factory=HouseConfig)
    log_format: str = PLAIN
    log_level: str = "INFO"
    backstage_url: str | None = field(default=None, repr=False)
    seed: Path | None = None
    standin_url: str | None = field(default=None, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What may stand in no log and no message; of the database's address the password too by itself."""
        url = self.database_url
        password = urlsplit(url).password if url else None
        hidden = [url, password, unquote(password) if password else None]
        return (self.discord_token, *self.novelai_tokens, *(each for each in hidden if each))

    @property
    def is_practice(self) -> bool:
        """Whether Discord is the stand-in."""
        return is_loopback(self.discord_api)


def is_loopback(address: str) -> bool:
    """Whether an http(s) or ws(s) address leads to this machine."""
    return is_address(address) and urlsplit(address).hostname in LOOPBACK


def is_address(text: str, schemes: Iterable[str] = ("http", "https", "ws", "wss")) -> bool:
    """Whether *text* is an address with a host, and a port that can be."""
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0 and text.isascii()
    except ValueError:
        return False


def data_dir_of(environ: Mapping[str, str], told: Path | None) -> Path:
    """The folder that holds everything: what the command line *told*, else ``DATA_DIR``, else ``./data``."""
    return told or Path(environ.get("DATA_DIR", "").strip() or "data")


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 20


class _Reader:
    """Reads one variable after the other and collects what is wrong."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[tuple[str, dict[str, object]]] = []

    def problem(self, code: str, **data: object) -> None:
        self.problems.append((code, data))

    def text(self, name: str, default: str = "") -> str:
        return self._environ.get(name, "").strip() or default

    def secret(self, name: str) -> str:
        """From the credentials directory, NAME_FILE or NAME, in this order."""
        directory = self._environ.get("CREDENTIALS_DIRECTORY")
        if directory and (path := Path(directory) / name) and os.path.lexists(path):
            return self._file(name, path)
        if pointed := self.text(f"{name}_FILE"):
            if self.text(name):
                self.problem("settings.both", name=name)
            return self._file(name, Path(pointed))
        return self._clean(name, self.text(name))

    def _file(self, name: str, path: Path) -> str:
        try:
            with path.open("rb") as file:
                kept = file.read(SECRET_BYTES + 1)
                if len(kept) <= SECRET_BYTES:
                    # Some editors begin every file with a byte order mark.
                    return self._clean(name, kept.decode("utf-8-sig").strip())
        except (OSError, UnicodeDecodeError):
            pass
        self.problem("settings.file", name=name, path=str(path))
        return ""

    def _clean(self, name: str, secret: str) -> str:
        """No secret holds what a header cannot; between several there are blanks and line breaks."""
        if all(part.isascii() and part.isprintable() for part in secret.split()):
            return secret
        self.problem("settings.letters", name=name)
        return ""

    def number(self, name: str, default: int | None, low: int, high: int) -> int | None:
        text = self.text(name)
        if not text:
            return default
        if not _is_whole(text) or not low <= int(text) <= high:
            self.problem("settings.number", name=name, low=low, high=high)
            return default
        return int(text)

    def database(self, name: str) -> str | None:
        url = self.secret(name)
        try:
            parts = urlsplit(url)
            is_usable = parts.scheme in DATABASES and bool(parts.path.strip("/")) and parts.port != 0
        except ValueError:
            is_usable = False
        if url and not is_usable:
            self.problem("settings.database", name=name)
        return url if url and is_usable else None

    def shards(self) -> Shards:
        """``SHARD_IDS`` are numbers and spans of them, such as ``0-3,8``."""
        count = self.number("SHARD_COUNT", 1, 1, SHARDS_MAX) or 1
        ids: set[int] = set()
        for part in self.text("SHARD_IDS").replace(",", " ").split():
            span = _SPAN.fullmatch(part)
            first, last = (int(span[1]), int(span[2] or span[1])) if span else (count, count)
            if not first <= last < count:
                self.problem("settings.shards", name="SHARD_IDS", last=count - 1)
                return Shards(count=count)
            ids.update(range(first, last + 1))
        return Shards(count=count, ids=tuple(sorted(ids)))

    def switch(self, name: str, default: bool) -> bool:
        text = self.text(name).casefold()
        if text in ("", "on", "true", "1", "yes", "off", "false", "0", "no"):
            return default if not text else text in ("on", "true", "1", "yes")
        self.problem("settings.switch", name=name)
        return default

    def ids(self, name: str) -> frozenset[int]:
        parts = [part for part in self.text(name).replace(",", " ").split() if part]
        if not all(_is_whole(part) and 0 < int(part) < 2**63 for part in parts):
            self.problem("settings.ids", name=name)
            return frozenset()
        return frozenset(map(int, parts))

    def id(self, name: str) -> int | None:
        text = self.text(name)
        if not text:
            return None
        if not _is_whole(text) or not 0 < int(text) < 2**63:
            self.problem("settings.id", name=name)
            return None
        return int(text)

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        text = self.text(name, default)
        if text not in choices:
            self.problem("settings.choice", name=name, choices=choices)
            return default
        return text

    def address(self, name: str, default: str, schemes: tuple[str, ...]) -> str:
        text = self.text(name, default).rstrip("/") if name != "DISCORD_GATEWAY" else self.text(name, default)
        is_known = text == default.rstrip("/") or text == default
        if not is_address(text, schemes) or not (is_known or is_loopback(text)):
            self.problem("settings.address", name=name, default=default)
            return default
        return text


def secret_files(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The files that hold secrets, as far as *environ* names them."""
    return tuple(Path(environ[f"{name}_FILE"]) for name in SECRETS if environ.get(f"{name}_FILE"))


def read_database(environ: Mapping[str, str]) -> str | None:
    """
    ``DATABASE_URL`` by itself, for commands that need nothing else; None where the database is SQLite's.

    Raises `Unfit` where it cannot be used.
    """
    reader = _Reader(environ)
    url = reader.database("DATABASE_URL")
    if reader.problems:
        raise Unfit(reader.problems)
    return url


def read_settings(environ: Mapping[str, str], data_dir: Path | None = None) -> Settings:
    """
    The settings in *environ*; *data_dir* wins over ``DATA_DIR``.

    Raises `Unfit` with every problem that was found.
    """
    reader = _Reader(environ)
    house = HouseConfig(
        guilds=reader.ids("GUILDS"),
        direct=reader.switch("DIRECT", False),
        operators=reader.ids("OPERATORS"),
        operator_guild=reader.id("OPERATOR_GUILD"),
        operator_channel=reader.id("OPERATOR_CHANNEL"),
        never_spend=reader.switch("NEVER_SPEND", True),
        anlas_day=reader.number("HOUSE_ANLAS_DAY", None, 0, CAP_MAX),
        anlas_week=reader.number("HOUSE_ANLAS_WEEK", None, 0, CAP_MAX),
        pictures_day=reader.number("HOUSE_PICTURES_DAY", None, 0, CAP_MAX),
        pictures_week=reader.number("HOUSE_PICTURES_WEEK", None, 0, CAP_MAX),
        guild=Caps(
            anlas_day=reader.number("GUILD_ANLAS_DAY", None, 0, CAP_MAX),
            anlas_week=reader.number("GUILD_ANLAS_WEEK", None, 0, CAP_MAX),
            pictures_day=reader.number("GUILD_PICTURES_DAY", None, 0, CAP_MAX),
            pictures_week=reader.number("GUILD_PICTURES_WEEK", None, 0, CAP_MAX),
        ),
        member=Caps(
            anlas_day=reader.number("MEMBER_ANLAS_DAY", None, 0, CAP_MAX),
            anlas_week=reader.number("MEMBER_ANLAS_WEEK", None, 0, CAP_MAX),
            pictures_day=reader.number("MEMBER_PICTURES_DAY", None, 0, CAP_MAX),
            pictures_week=reader.number("MEMBER_PICTURES_WEEK", None, 0, CAP_MAX),
        ),
        direct_day=reader.number("DIRECT_PICTURES_DAY", 25, 0, CAP_MAX),
        direct_week=reader.number("DIRECT_PICTURES_WEEK", None, 0, CAP_MAX),
        retention_days=reader.number("RETENTION_DAYS", 30, 1, 3_650) or 30,
        shards=reader.shards(),
        late_hours=reader.number("LATE_HOURS", 24, 1, 720) or 24,
        message_content=reader.switch("MESSAGE_CONTENT", False),
    )
    settings = Settings(
        discord_token=reader.secret("DISCORD_TOKEN"),
        novelai_tokens=tuple(reader.secret("NOVELAI_TOKENS").replace(",", " ").split()),
        discord_api=reader.address("DISCORD_API", DISCORD_API, ("http", "https")),
        discord_gateway=reader.address("DISCORD_GATEWAY", DISCORD_GATEWAY, ("ws", "wss")),
        novelai_api=reader.address("NOVELAI_API", NOVELAI_API, ("http", "https")),
        data_dir=data_dir_of(environ, data_dir),
        database_url=reader.database("DATABASE_URL"),
        house=house,
        log_format=reader.choice("LOG_FORMAT", PLAIN, FORMATS),
        log_level=reader.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        backstage_url=reader.text("BACKSTAGE_URL") or None,
        seed=Path(reader.text("SEED")) if reader.text("SEED") else None,
        standin_url=reader.text("STANDIN_URL") or None,
    )
    _check_tokens(reader, settings)
    if not house.shards.are_all and settings.database_url is None:
        reader.problem("settings.alone")
    if reader.problems:
        raise Unfit(reader.problems)
    return settings


def _check_tokens(reader: _Reader, settings: Settings) -> None:
    if not settings.discord_token:
        reader.problem("settings.missing", name="DISCORD_TOKEN")
    elif (settings.discord_token == PRACTICE_TOKEN) != settings.is_practice:
        reader.problem("settings.mixed", name="DISCORD_TOKEN", address=settings.discord_api)
    if not settings.novelai_tokens:
        reader.problem("settings.missing", name="NOVELAI_TOKENS")
    for name in ("backstage_url", "standin_url"):
        value = getattr(settings, name)
        if value and not (settings.is_practice and is_loopback(value)):
            reader.problem("settings.loopback", name=name.upper())
    if settings.seed and not settings.is_practice:
        reader.problem("settings.loopback", name="SEED")
    elif settings.seed and not os.access(settings.seed, os.R_OK):
        reader.problem("settings.file", name="SEED", path=str(settings.seed))
    if len(settings.discord_token.split()) > 1:
        reader.problem("settings.one", name="DISCORD_TOKEN")
