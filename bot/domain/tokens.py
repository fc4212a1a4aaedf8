"""How many tokens a prompt has, and what of it the model ignores."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCount:
    """
    The count of one text.

    *n* tokens of at most *limit*; *ignored_from* is the part of the text behind the limit ("" where all is read).
    """

    n: int
    limit: int
    ignored_from: str = field(default="", repr=False)

    @property
    def is_over(self) -> bool:
        """Whether the model reads less than was typed."""
        return self.n > self.limit
