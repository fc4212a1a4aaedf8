"""What the practice room shows of the bot's inside: interactions, queue and ledger as plain data."""

from bot.domain.job import Job, JobState
from bot.ports import Clock, JobStore
from bot.services.accounts import Accounts
from bot.services.activity import Activity

LOOK_BACK = 3_600.0
"""Seconds; an interaction asked for before a restart is found again through its job."""
QUEUE_MOST = 100
"""Queued jobs that are shown, the first ones; whoever waits for a line looks at its interaction."""


class Backstage:
    """Takes snapshots for the stand-in."""

    def __init__(self, jobs: JobStore, accounts: Accounts, activity: Activity, clock: Clock) -> None:
        self._jobs = jobs
        self._accounts = accounts
        self._activity = activity
        self._clock = clock

    async def snapshot(self) -> dict[str, object]:
        """JSON: interactions by id with their handlers and jobs, the front of the queue, the balances."""
        # Before the jobs: a handler that is through has admitted what it admits.
        handlings = self._activity.handlings()
        jobs: dict[int, list[dict[str, object]]] = {}
        recent = await self._jobs.recent(self._clock() - LOOK_BACK)
        waiting = await self._jobs.waiting(most=QUEUE_MOST + 1)
        # What is being drawn first; a job without an interaction is seen only while it is queued.
        drawn = [job for job in recent if job.state.is_waiting and job.state is not JobState.QUEUED]
        for job in recent:
            if job.interaction is not None:
                jobs.setdefault(job.interaction, []).append(_brief(job))
        interactions = {
            str(id_): {
                "handlers": handlings[id_].handlers if id_ in handlings else 0,
                "begun": handlings[id_].begun if id_ in handlings else 0,
                "error": handlings[id_].error if id_ in handlings else None,
                "jobs": jobs.get(id_, []),
            }
            for id_ in {**handlings, **jobs}
        }
        clients = self._accounts.clients
        return {
            "interactions": interactions,
            "queue": [_brief(job) for job in (*sorted(drawn, key=_turn), *waiting[:QUEUE_MOST])],
            "more": len(waiting) > QUEUE_MOST,
            "ledger": {client.account_id: self._accounts.known(client).anlas for client in clients},
        }


def _turn(job: Job) -> tuple[int, int]:
    return job.turn, job.id


def _brief(job: Job) -> dict[str, object]:
    return {"id": job.id, "state": job.state.value, "delivery": job.delivery.value, "price": job.price}
