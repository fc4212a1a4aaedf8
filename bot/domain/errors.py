"""
The one tree of errors. An error carries a code and data, never prose.

::

    NaibotError
    ├── Mistake         the person who asked can put it right
    ├── Refused         the house says no
    │   └── Forbidden   the rules say no; each one goes on record
    ├── LimitReached    later, or less
    ├── UpstreamError   NovelAI's side
    ├── ClassifierError the check of pictures could not be made
    └── StoreError      the database's side

The code is the key of the sentence in `bot.wording`, and the data are its placeholders. Anything that is not in
this tree is a bug: it is logged with a short id, and only the id is shown.
"""

from collections.abc import Mapping
from types import MappingProxyType


class NaibotError(Exception):
    """Base of all expected errors; never raised itself."""

    def __init__(self, code: str, /, **data: object) -> None:
        super().__init__(code)
        self.code = code
        self.data: Mapping[str, object] = MappingProxyType(data)

    def __str__(self) -> str:
        """Code and data, for logs: they hold limits and names, never prompts or tokens."""
        return f"{self.code} {dict(self.data)}" if self.data else self.code


class Mistake(NaibotError):
    """The person who asked can put it right: an option out of range, a file that is not an image."""


class Refused(NaibotError):
    """The house says no: place, rules, never-spend."""


class Forbidden(Refused):
    """The rules of this house or server say no. Whoever answers it puts it on record."""


class LimitReached(NaibotError):
    """Later, or less: quotas, budgets, cooldowns."""


class UpstreamError(NaibotError):
    """
    NovelAI did not make the picture.

    *billed* says what the account is believed to have paid: False when the service refused before working,
    None when nobody can know because the body was sent and the answer was lost.
    *again* says whether the same request may be sent once more by itself (the job keeps its place).
    *retry_after* is the service's own wish in seconds, where it gave one.
    """

    def __init__(
        self, code: str, /, *, billed: bool | None, again: bool, retry_after: float | None = None, **data: object
    ) -> None:
        super().__init__(code, **data)
        self.billed = billed
        self.again = again
        self.retry_after = retry_after


class ClassifierError(NaibotError):
    """
    A picture could not be rated (``rating.failed``, ``rating.slow``, ``rating.unreadable``), so nobody knows what it
    shows; or there is no classifier that could (``classifier.…``, for the operator).
    """


class StoreError(NaibotError):
    """The database failed, is locked, or is newer than this program."""
