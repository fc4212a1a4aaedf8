"""What people do in a crash drill: small plays, each of which leads a job through a part of its life."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.standin.discord import lantern
from bot.standin.discord.interactions import Interaction
from tests.drills.theatre import Theatre, until

SMALL = "64x64"
PAID = {"size": SMALL, "samples": 2}
"""Of two pictures one is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """
    A play.

    *before* is done with points unarmed. Where *at_start*, the bot dies after *before* with its work unfinished, and
    the points are those of the bot that is started next. *may_fail*: NovelAI is told to fail.
    """

    name: str
    act: Callable[[Theatre], Awaitable[None]]
    before: Callable[[Theatre], Awaitable[None]] | None = None
    at_start: bool = False
    may_fail: bool = False


async def nothing(theatre: Theatre) -> None:
    """Nobody does anything."""


async def free(theatre: Theatre) -> None:
    """One picture that costs nothing."""
    await theatre.ask(prompt="1girl", size=SMALL)


async def slow(theatre: Theatre) -> None:
    """One that is drawn for a while, so that its message says so."""
    await theatre.ask(prompt="1girl, !slow1", size=SMALL)


async def paid(theatre: Theatre) -> None:
    """One that costs: the question, and yes."""
    await theatre.ask(prompt="1girl", **PAID)
    await theatre.press("go")


async def two(theatre: Theatre) -> None:
    """Two people, so that one waits."""
    await theatre.ask(prompt="1girl", size=SMALL)
    await theatre.ask(lantern.BEN, prompt="1boy", size=SMALL)


async def cancel(theatre: Theatre) -> None:
    """The one who waits takes it back."""
    async with theatre.novelai.hold():
        await theatre.ask(prompt="1girl", size=SMALL)
        await _drawing(theatre)
        await theatre.ask(lantern.BEN, prompt="1boy", size=SMALL)
        await theatre.press("cancel", lantern.BEN)
        await until(lambda: not theatre.button("cancel", lantern.BEN), 20.0, "the waiting message's end")


async def failing(theatre: Theatre) -> None:
    """NovelAI does not take it."""
    await theatre.ask(prompt="1girl, !400", size=SMALL)


async def lost(theatre: Theatre) -> None:
    """Paid, and the answer is lost."""
    await theatre.ask(prompt="1girl, !billed503", **PAID)
    await theatre.press("go")


async def busy(theatre: Theatre) -> None:
    """NovelAI is busy once, so the job goes back into the line."""
    await theatre.ask(prompt="1girl, !429", size=SMALL)


async def reroll(theatre: Theatre) -> None:
    """The same once more."""
    await theatre.press("reroll")


async def reroll_before(theatre: Theatre) -> None:
    """The picture whose button is pressed."""
    await free(theatre)
    await until(lambda: theatre.button("reroll", lantern.ANN), 30.0, "the first picture")


async def private(theatre: Theatre) -> None:
    """For one's own eyes."""
    await theatre.ask(prompt="1girl", size=SMALL, private=True)


async def deleted(theatre: Theatre, *, private: bool = False) -> None:
    """Somebody deletes the waiting message, so that the picture needs a new one."""
    async with theatre.novelai.hold():
        asked = await theatre.ask(prompt="1girl", size=SMALL, private=private)
        await _drawing(theatre)
        theatre.discord.world.remove(_original(asked))


async def dropped(theatre: Theatre) -> None:
    """Discord drops the connection while the picture is shown."""
    async with theatre.novelai.hold():
        await theatre.ask(prompt="1girl", size=SMALL)
        await _drawing(theatre)
        await until(lambda: any("raw" in m["content"] for m in theatre.messages()), 20.0, "the waiting message")
        theatre.discord.fail_next("PATCH", "/messages/", 0, times=2)


async def left(theatre: Theatre) -> None:
    """One being drawn and one waiting, when the process dies."""
    async with theatre.novelai.hold():
        await theatre.ask(prompt="1girl", size=SMALL)
        await _drawing(theatre)
        await theatre.ask(lantern.BEN, prompt="1boy", size=SMALL)
        await until(lambda: theatre.button("cancel", lantern.BEN), 20.0, "the waiting message")


async def left_paid(theatre: Theatre) -> None:
    """The same with one that is paid for."""
    async with theatre.novelai.hold():
        await paid(theatre)
        await _drawing(theatre)


async def held(theatre: Theatre, verb: str = "approve") -> None:
    """The check holds it, and a moderator decides."""
    await theatre.ask(prompt="1girl, !rated82", size=SMALL)
    await theatre.press(verb, lantern.MIA)


async def _drawing(theatre: Theatre) -> None:
    await until(lambda: theatre.novelai.account.busy, 20.0, "NovelAI at work")


def _original(asked: Interaction) -> int:
    return asked.original or 0


SCENES = {
    scene.name: scene
    for scene in (
        Scene(name="free", act=free),
        Scene(name="slow", act=slow),
        Scene(name="paid", act=paid),
        Scene(name="two", act=two),
        Scene(name="cancel", act=cancel),
        Scene(name="failing", act=failing, may_fail=True),
        Scene(name="lost", act=lost, may_fail=True),
        Scene(name="busy", act=busy),
        Scene(name="reroll", act=reroll, before=reroll_before),
        Scene(name="private", act=private),
        Scene(name="deleted", act=deleted),
        Scene(name="dismissed", act=lambda theatre: deleted(theatre, private=True)),
        Scene(name="dropped", act=dropped),
        Scene(name="held", act=held),
        Scene(name="rejected", act=lambda theatre: held(theatre, "reject")),
        Scene(name="restart", act=nothing, before=left, at_start=True),
        Scene(name="restart paid", act=nothing, before=left_paid, at_start=True),
    )
}
