"""The page one types into: its files, its words, and what a browser may do with it."""

import html
import re
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from bot import wording

FOLDER = Path(__file__).parent / "page"
KINDS: Mapping[str, str] = {
    ".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml",
}  # fmt: skip
POLICY = "; ".join(
    (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        # No text ever becomes markup: a script that tried would fail.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_WORD = re.compile(r"\{\{(\w+)\}\}")


def words() -> dict[str, object]:
    """Every sentence of the page, by the name that follows ``PAGE_``, in lower case."""
    return {
        name.removeprefix("PAGE_").lower(): value for name, value in vars(wording).items() if name.startswith("PAGE_")
    }


class Page:
    """The files, read once."""

    def __init__(self) -> None:
        self._files = {path.name: path.read_text() for path in FOLDER.iterdir() if path.suffix in KINDS}
        known = words()
        index = self._files["index.html"]
        self._files["index.html"] = _WORD.sub(lambda match: html.escape(str(known[match[1]])), index)

    async def index(self, request: web.Request) -> web.Response:
        """The page itself."""
        return self._answer("index.html")

    async def file(self, request: web.Request) -> web.Response:
        """One of its files."""
        return self._answer(request.match_info["name"])

    async def words(self, request: web.Request) -> web.Response:
        """Its words."""
        return web.json_response(words(), headers=dict(HEADERS))

    def _answer(self, name: str) -> web.Response:
        if name not in self._files:
            return web.Response(status=404, headers=dict(HEADERS))
        kind = KINDS[Path(name).suffix]
        return web.Response(text=self._files[name], content_type=kind, charset="utf-8", headers=dict(HEADERS))
