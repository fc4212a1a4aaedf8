"""Taking a waiting picture back."""

from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.services.studio import Studio
from cogs.ui.answer import acknowledge_press, tell
from cogs.ui.controls import Press
from cogs.ui.options import requester_of


class Queue(commands.Cog):
    """The waiting line, as far as its buttons go."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def cancel(self, press: Press) -> None:
        """Withdraw: the waiting message goes, and the one who pressed is told."""
        await acknowledge_press(press.interaction)
        await self._studio.cancel(requester_of(press.interaction), press.number)
        await press.interaction.delete_original_response()
        await tell(press.interaction, wording.CANCELLED)


async def setup(client: Naibot) -> None:
    """Add the cog and register its control."""
    cog = Queue(client.services.studio)
    client.control("job", "cancel", press=cog.cancel)
    await client.add_cog(cog)
