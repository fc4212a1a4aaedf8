"""The verbs: what the house does, knowing the world only as ports."""

from dataclasses import dataclass

from bot.ports import Classifier
from bot.services.accounts import Accounts
from bot.services.activity import Activity
from bot.services.cases import Cases
from bot.services.checks import Checks
from bot.services.chronicle import Chronicle
from bot.services.closing import Closing
from bot.services.darkroom import Darkroom
from bot.services.deliveries import Deliveries
from bot.services.departures import Departures
from bot.services.guilds import Guilds
from bot.services.lead import Lead
from bot.services.lookout import Lookout
from bot.services.moderation import Moderation
from bot.services.neighbours import Neighbours
from bot.services.restarts import Restarts
from bot.services.sanctions import Sanctions
from bot.services.studio import Studio
from bot.services.upkeep import Upkeep
from bot.services.worker import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a cog may be given; *classifier* is None where pictures are not checked."""

    studio: Studio
    workers: tuple[Worker, ...]
    deliveries: Deliveries
    departures: Departures
    darkroom: Darkroom
    classifier: Classifier | None
    lookout: Lookout
    guilds: Guilds
    moderation: Moderation
    sanctions: Sanctions
    checks: Checks
    cases: Cases
    chronicle: Chronicle
    accounts: Accounts
    upkeep: Upkeep
    activity: Activity
    restarts: Restarts
    closing: Closing
    lead: Lead
    neighbours: Neighbours
