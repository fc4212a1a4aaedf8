"""The pretend Discord: loopback REST, gateway and CDN for the real discord.py, and the room one types into."""

from bot.standin.discord.service import Discord

__all__ = ["Discord"]
