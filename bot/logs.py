"""How the log is written: plain or JSON, to stderr, with every secret taken out at the last moment."""

import json
import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime

PLAIN = "plain"
JSON = "json"
FORMATS = (PLAIN, JSON)

HIDDEN = "[hidden]"
SECRET_MIN = 6
"""Characters; a shorter "secret" would blot out ordinary words."""

_TOKENS = re.compile(
    r"(?P<path>/(?:webhooks|interactions)/\d{1,20}/)[^/?\s'\"]+"
    r"|(?P<key>['\"](?:token|access_token|resume_token|session_id)['\"]\s*:\s*)(?:\"[^\"]*\"|'[^']*')"
    r"|(?P<head>\b(?:Bot|Bearer)\s+)[\w.~+/=-]{8,}"
    r"|\bpst-[\w-]{8,}"
    r"|\b[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}"
)
"""Interaction tokens in Discord's paths and payloads, authorisation headers, NovelAI's and Discord's own tokens."""

# At DEBUG these (and Pillow, of EXIF blocks) write interaction tokens and people's text.
_TALKATIVE = ("discord.gateway", "discord.webhook", "discord.http", "discord.client", "discord.state")
_CHATTY = ("httpx", "httpcore", "asyncio", "PIL")


class Redactor:
    """Takes secrets out of a text: those it was told, and whatever looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= SECRET_MIN}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        """*text* without them."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        return _TOKENS.sub(lambda found: (found["path"] or found["key"] or found["head"] or "") + HIDDEN, text)


class PlainFormatter(logging.Formatter):
    """A line a record, and the traceback behind it."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        return self._redact(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``at`` (UTC), ``level``, ``logger``, ``message``, and ``error`` with a traceback."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self._redact(record.getMessage()),
        }
        if record.exc_info:
            line["error"] = self._redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def _shorten(record: logging.LogRecord) -> bool:
    """A connection that was lost and is sought again is news of one line, and no bug with a traceback."""
    if record.exc_info and record.exc_info[0] is not None and "reconnect" in str(record.msg):
        record.msg = f"{record.msg} ({record.exc_info[0].__name__})"
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = record.exc_text = None
    return True


def set_up(level: str, style: str = PLAIN, secrets: Iterable[str] = ()) -> None:
    """Write the log of this process to stderr from *level* on; *secrets* never appear in it."""
    redact = Redactor(secrets)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(redact) if style == JSON else PlainFormatter(redact))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    least = logging.getLogger().level
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.INFO, least))
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, least))
    # It warns at each start that voice is not installed.
    client = logging.getLogger("discord.client")
    client.setLevel(logging.ERROR)
    client.addFilter(_shorten)
