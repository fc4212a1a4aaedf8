"""Who may ask the stand-in: this machine by its own name, and no page of somebody else's."""

from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LOCAL = ("127.0.0.1", "localhost", "[::1]")


def check(request: web.Request, *, also: str | None = None) -> None:
    """
    Raise 403 unless the request is for a loopback name and not from a page of another origin than *also*.

    A name of some other site may be made to point here, and any page a person has open may post here or open a socket;
    a browser then says so in ``Origin``. Programs send none.
    """
    if request.host.rsplit(":", 1)[0] not in LOCAL:
        raise web.HTTPForbidden
    origin = request.headers.get("Origin")
    if origin is not None and origin not in (f"http://{request.host}", also):
        raise web.HTTPForbidden


def guarded(handler: Handler) -> Handler:
    """*handler*, behind `check`."""

    async def checked(request: web.Request) -> web.StreamResponse:
        check(request)
        return await handler(request)

    return checked
