"""The world that `naibot try` opens with: two servers, four people, and constants for their ids."""

from collections.abc import Mapping
from types import MappingProxyType

APPLICATION = 1_100_000_000_000_000_001
BOT_NAME = "Naibot"
TOKEN = "practice-room"  # noqa: S105 - the stand-in's, and no secret

ANN, BEN, MIA, ADA = (1_100_000_000_000_000_011 + n for n in range(4))
LANTERN, NEW_SERVER = 1_100_000_000_000_000_021, 1_100_000_000_000_000_022
STUDIO, NIGHT_STUDIO, MOD_LOG, GENERAL, REVIEW = (1_100_000_000_000_000_031 + n for n in range(5))
NEW_GENERAL = 1_100_000_000_000_000_041
DIRECT = 1_100_000_000_000_000_051
"""Direct messages of the first person; the others' follow."""
ARTISTS, KEEPERS = 1_100_000_000_000_000_061, 1_100_000_000_000_000_062
"""A role of Lantern's, which Ben has; one of New server's, which Mia has."""

VIEW, SEND, ATTACH, HISTORY, THREADS, REACT = 1 << 10, 1 << 11, 1 << 15, 1 << 16, 1 << 38, 1 << 6
USE_COMMANDS, MODERATE, MANAGE_GUILD, MANAGE_MESSAGES = 1 << 31, 1 << 40, 1 << 5, 1 << 13
MEMBER = VIEW | SEND | THREADS | ATTACH | HISTORY | REACT | USE_COMMANDS
BOT_PERMISSIONS = 274_878_008_320 | REACT
"""View Channels, Send Messages (also in threads), Attach Files, Read Message History, Add Reactions."""

PEOPLE: Mapping[str, tuple[int, str]] = MappingProxyType(
    {"member": (ANN, "Ann"), "member2": (BEN, "Ben"), "moderator": (MIA, "Mia"), "admin": (ADA, "Ada")}
)
PERMISSIONS: Mapping[int, int] = MappingProxyType(
    {ANN: MEMBER, BEN: MEMBER, MIA: MEMBER | MODERATE | MANAGE_MESSAGES, ADA: MEMBER | MODERATE | MANAGE_GUILD}
)
ROLES: Mapping[str, int] = MappingProxyType({"Artists": ARTISTS, "Keepers": KEEPERS})
ROLES_OF: Mapping[tuple[int, int], tuple[int, ...]] = MappingProxyType(
    {(LANTERN, BEN): (ARTISTS,), (NEW_SERVER, MIA): (KEEPERS,)}
)
"""The roles of a person in a server, by (server, person)."""
PLACES: Mapping[str, int] = MappingProxyType(
    {
        "studio": STUDIO,
        "night-studio": NIGHT_STUDIO,
        "mod-log": MOD_LOG,
        "review": REVIEW,
        "general": GENERAL,
        "New server/general": NEW_GENERAL,
    }
)
GUILDS: tuple[tuple[int, str, tuple[tuple[int, str, bool], ...]], ...] = (
    (
        LANTERN,
        "Lantern",
        (
            (STUDIO, "studio", False),
            (NIGHT_STUDIO, "night-studio", True),
            (MOD_LOG, "mod-log", False),
            (REVIEW, "review", True),
            (GENERAL, "general", False),
        ),
    ),
    (NEW_SERVER, "New server", ((NEW_GENERAL, "general", False),)),
)


def seed() -> dict[str, object]:
    """What `naibot run` applies once to an empty store: Lantern is set up, New server only admitted."""
    lantern = {
        "channels": [STUDIO, NIGHT_STUDIO],
        "age_restricted": True,
        "log_channel": MOD_LOG,
        "review_channel": REVIEW,
        "auto_inspect": [GENERAL],
        "unchecked": True,
        "never_spend": False,
        "anlas_day": 100,
        # Lines follow each other faster than people do.
        "cooldown": 0,
    }
    return {"guilds": {str(LANTERN): lantern, str(NEW_SERVER): {}}}
