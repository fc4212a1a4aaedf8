"""What the commands of the shell share: exit codes, and how a problem is said."""

import sys
from collections.abc import Mapping

from bot import wording
from bot.domain.errors import StoreError

OK = 0
PROBLEM = 1
UNFIT = 78
"""sysexits.h's EX_CONFIG: starting again cannot help before somebody has put something right."""


def complain(code: str, data: Mapping[str, object]) -> None:
    """Say on stderr what is wrong."""
    print(wording.explain(code, data), file=sys.stderr)


def complaint_of(error: StoreError) -> tuple[str, Mapping[str, object]]:
    """Code and data for the operator, who is told the cause that a member is not."""
    if error.code == "store.broken":
        return "store.stopped", {"why": str(error.__cause__ or error)}
    return error.code, error.data
