"""How the stand-in fails when it is asked to: the names, the tags in a prompt, and what is due next."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

STATUSES: Mapping[str, int] = {
    str(status): status for status in (400, 401, 402, 403, 404, 409, 413, 429, 500, 502, 503, 504)
}
BROKEN = frozenset(
    {"cut", "truncated", "badzip", "emptyzip", "bomb", "lyinglength", "html", "encoded", "gzip", "endless", "stall"}
)
"""A bad answer to work that was done and billed."""
STREAMED = frozenset({"streamcut", "streamerror", "streamhuge", "streamnofinal"})
"""Only a stream can fail like that; any other answer is good."""
FAULTS = frozenset({*STATUSES, *BROKEN, *STREAMED, "slow", "billed503", "hangup", "billedhangup"})
SLOWEST = 600

_TAG = re.compile(r"(?:^|,)\s*!([a-z]*)([0-9]*)\s*(?=,|$)")


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one request; *seconds* for ``slow``, None for the usual time."""

    name: str
    seconds: float | None = None

    @property
    def status(self) -> int | None:
        """With which it is refused before any work."""
        return STATUSES.get(self.name)


class FaultBook:
    """What fails next, and how often."""

    def __init__(self, wanted: Mapping[str, int | None]) -> None:
        self.left: dict[str, int | None] = dict(wanted)
        self._refused_once: set[tuple[str, str]] = set()

    def due(self, prompt: object, seed: object) -> Fault | None:
        """The fault of this request: what was set for the next ones, else the first tag of its prompt."""
        return self._set_before() or self._tagged(prompt, seed)

    def _set_before(self) -> Fault | None:
        for name, left in list(self.left.items()):
            if left is None:
                return Fault(name)
            self.left[name] = left - 1
            if left <= 1:
                del self.left[name]
            if left > 0:
                return Fault(name)
        return None

    def _tagged(self, prompt: object, seed: object) -> Fault | None:
        """``!429`` refuses each prompt and seed only once: whoever waits and asks again must be served."""
        tags = _TAG.findall(prompt) if isinstance(prompt, str) else []
        fault = next((found for word, digits in tags if (found := _fault(word, digits)) is not None), None)
        once = (str(prompt), str(seed))
        if fault is None or fault.name != "429":
            return fault
        if once in self._refused_once:
            return None
        self._refused_once.add(once)
        return fault


def _fault(word: str, digits: str) -> Fault | None:
    if word == "slow" and digits:
        return Fault("slow", min(float(digits[:5]), SLOWEST))
    name = word + digits
    return Fault(name) if name in FAULTS else None


def parse_fault(text: str) -> tuple[str, int | None]:
    """``NAME`` (for ever) or ``NAME=N`` (N times). Raises KeyError or ValueError."""
    name, _, times = text.partition("=")
    return known_fault(name.removeprefix("!")), int(times) if times else None


def known_fault(name: str) -> str:
    """*name* itself. Raises KeyError for one that there is not."""
    if name not in FAULTS:
        raise KeyError(name)
    return name
