"""The pretend NovelAI: loopback HTTP that refuses, draws, signs and bills as the service does, and fails on request."""

from bot.standin.novelai.account import TOKEN
from bot.standin.novelai.faults import FAULTS, parse_fault
from bot.standin.novelai.generation import draw
from bot.standin.novelai.service import NovelAI

__all__ = ["FAULTS", "TOKEN", "NovelAI", "draw", "parse_fault"]
