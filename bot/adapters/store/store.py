"""The verbs of queue and ledger: each is one transaction of portable SQL, and may be repeated without harm."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.adapters.store.database import Database, Row, Transaction
from bot.adapters.store.migrate import migrate
from bot.adapters.store.rows import config_of, draft_of, from_json, job_of, kind_of, picture_of, to_json
from bot.domain.admission import DOUBLE_CLICK, Standing, day_of
from bot.domain.errors import Refused
from bot.domain.guild import GuildConfig
from bot.domain.job import Application, Delivery, Draft, Job, JobState, Settlement
from bot.domain.request import Picture, Place, Request, Requester
from bot.ports import Decide

_LIVE = "('QUEUED', 'RUNNING', 'SENT')"
_ON_ACCOUNT = "('RUNNING', 'SENT')"
DIGEST = "commands.digest"


async def open_store(folder: Path) -> "SqlStore":
    """Open (or make) the store of *folder* at this program's schema. Raises `StoreError`."""
    database = await Database.open(folder)
    try:
        await migrate(database, folder)
    except BaseException:
        await database.close()
        raise
    return SqlStore(database)


class SqlStore:
    """Implements `bot.ports.Store`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def close(self) -> None:
        """Close the connections and let others have the folder."""
        await self._database.close()

    # --- drafts ------------------------------------------------------------------------------------------------------

    async def propose(self, requester: Requester, request: Request, price: int, expires_at: float) -> Draft:
        """Write a draft; drafts that are gone are swept out on the way."""
        values = (requester.user_id, to_json(requester), kind_of(request), to_json(request), price, expires_at)
        async with self._database.write() as tx:
            draft_id = await tx.insert(
                "INSERT INTO drafts (user_id, requester, kind, request, price, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
                values,
            )
        return Draft(id=draft_id, requester=requester, request=request, price=price, expires_at=expires_at)

    async def draft(self, draft_id: int) -> Draft | None:
        """A draft that was not consumed."""
        async with self._database.read() as reading:
            row = await reading.one("SELECT * FROM drafts WHERE id = ?", (draft_id,))
        return draft_of(row) if row else None

    async def drop_draft(self, draft_id: int) -> bool:
        """Let a draft go."""
        async with self._database.write() as tx:
            return await tx.run("DELETE FROM drafts WHERE id = ?", (draft_id,)) == 1

    # --- admission ---------------------------------------------------------------------------------------------------

    async def admit(self, application: Application, now: float, decide: Decide, *, draft_id: int | None = None) -> Job:
        """See `bot.ports.JobStore.admit`."""
        requester = application.requester
        async with self._database.write() as tx:
            await _lock(tx, requester, now)
            if known := await _already(tx, application, now):
                return known
            if draft_id is not None and not await tx.run("DELETE FROM drafts WHERE id = ?", (draft_id,)):
                raise Refused("draft.gone")
            turn = decide(await _standing(tx, requester, now))
            job_id = await _insert(tx, application, turn, now)
            await tx.run(
                "UPDATE members SET last_turn = ?, last_admitted = ? WHERE guild_id = ? AND user_id = ?",
                (turn, now, requester.scope, requester.user_id),
            )
            job = await _job(tx, job_id)
            await _count(tx, job, _Share(0, 0, 0), _Share.of(job))
            await _note(tx, now, "job.admitted", job, price=job.price, pictures=job.pictures)
            return job

    async def standing(self, requester: Requester, now: float) -> Standing:
        """See `bot.ports.JobStore.standing`."""
        async with self._database.read() as reading:
            return await _standing(reading, requester, now)

    # --- reading -----------------------------------------------------------------------------------------------------

    async def get(self, job_id: int) -> Job | None:
        """One job."""
        async with self._database.read() as reading:
            row = await reading.one("SELECT * FROM jobs WHERE id = ?", (job_id,))
        return job_of(row) if row else None

    async def waiting(self) -> Sequence[Job]:
        """Every QUEUED job in fair order."""
        async with self._database.read() as reading:
            rows = await reading.all("SELECT * FROM jobs WHERE state = 'QUEUED' ORDER BY turn, id")
        return [job_of(row) for row in rows]

    async def recent(self, since: float) -> Sequence[Job]:
        """Jobs admitted since *since* that have an interaction, oldest first."""
        async with self._database.read() as reading:
            rows = await reading.all(
                "SELECT * FROM jobs WHERE interaction IS NOT NULL AND admitted_at >= ? ORDER BY id", (since,)
            )
        return [job_of(row) for row in rows]

    async def pictures(self, job_id: int) -> Sequence[Picture]:
        """A job's pictures, while they are kept."""
        async with self._database.read() as reading:
            rows = await reading.all("SELECT * FROM blobs WHERE job_id = ? AND kind = 'picture' ORDER BY n", (job_id,))
        return [picture_of(row) for row in rows]

    async def place(self, job_id: int, place: Place) -> bool:
        """Note where the job is shown."""
        expires = place.token_expires if place.token else None
        async with self._database.write() as tx:
            sql = "UPDATE jobs SET place = ?, token_expires = ? WHERE id = ?"
            return await tx.run(sql, (to_json(place), expires, job_id)) == 1

    # --- the worker's transitions ------------------------------------------------------------------------------------

    async def claim(self, account: str, holder: str, now: float, lease: float) -> Job | None:
        """See `bot.ports.JobStore.claim`."""
        async with self._database.write() as tx:
            row = await _next_job(tx, now)
            if row is None or not await _lease(tx, account, holder, now, lease):
                return None
            fence = await tx.one("SELECT fence FROM accounts WHERE id = ?", (account,))
            await tx.run(
                "UPDATE jobs SET state = 'RUNNING', account = ?, fence = ?, tries = tries + 1, claimed_at = ? "
                "WHERE id = ? AND state = 'QUEUED'",
                (account, fence["fence"] if fence else 0, now, row["id"]),
            )
            await tx.run("UPDATE house SET now_turn = MAX(now_turn, ?) WHERE id = 1", (row["turn"],))
            job = await _job(tx, row["id"])
            await _note(tx, now, "job.claimed", job, account=account, tries=job.tries)
            return job

    async def renew(self, job: Job, until: float) -> bool:
        """Keep the account for longer."""
        async with self._database.write() as tx:
            return await _renew(tx, job, until)

    async def send(self, job: Job, now: float, spent: int) -> bool:
        """RUNNING → SENT, only under the fence that claimed it."""
        async with self._database.write() as tx:
            moved = await tx.run(
                "UPDATE jobs SET state = 'SENT', sent_at = ?, spent = ? "
                "WHERE id = ? AND state = 'RUNNING' AND fence = ? AND EXISTS (SELECT 1 FROM accounts WHERE accounts.id = jobs.account AND accounts.fence = jobs.fence)",
                (now, spent, job.id, job.fence),
            )
            if not moved:
                return False
            after = await _job(tx, job.id)
            await _count(tx, after, _Share.of(job), _Share.of(after))
            await _note(tx, now, "job.sent", after, spent=spent)
            return True

    async def hand_back(self, job: Job, not_before: float, *, give_back_try: bool) -> bool:
        """RUNNING or SENT → QUEUED at its old turn; nothing was spent."""
        async with self._database.write() as tx:
            before = await _held_by(tx, job)
            if before is None:
                return False
            await _requeue(tx, before, not_before, give_back_try=give_back_try)
            await _free(tx, job)
            return True

    async def settle(self, job: Job, now: float, settlement: Settlement, pictures: Sequence[Picture] = ()) -> bool:
        """See `bot.ports.JobStore.settle`."""
        async with self._database.write() as tx:
            before = await _held_by(tx, job)
            if before is None:
                return False
            await _keep(tx, job.id, pictures)
            await _end(tx, before, now, settlement)
            await _free(tx, job)
            return True

    async def cancel(self, job_id: int, now: float) -> bool:
        """QUEUED or RUNNING → CANCELLED, charged nothing."""
        async with self._database.write() as tx:
            row = await tx.one("SELECT * FROM jobs WHERE id = ? AND state IN ('QUEUED', 'RUNNING')", (job_id,))
            if row is None:
                return False
            job = job_of(row)
            silent = Settlement(
                state=JobState.CANCELLED, charged_anlas=0, charged_pictures=0, spent=0, reason="cancelled", silent=True
            )
            await _end(tx, job, now, silent)
            await _free(tx, job)
            return True

    async def recover(self, now: float) -> Sequence[Job]:
        """See `bot.ports.JobStore.recover`."""
        async with self._database.write() as tx:
            await tx.run("UPDATE accounts SET holder = NULL, leased_until = 0, fence = fence + 1")
            await tx.run("UPDATE jobs SET delivery_until = 0 WHERE delivery = 'PENDING'")
            rows = await tx.all(f"SELECT * FROM jobs WHERE state IN {_ON_ACCOUNT} ORDER BY id")  # noqa: S608
            for job in map(job_of, rows):
                if job.state is JobState.SENT and job.spent:
                    await _end(tx, job, now, _answer_lost(job))
                else:
                    await _requeue(tx, job, now, give_back_try=False)
            return [await _job(tx, row["id"]) for row in rows]

    # --- deliveries --------------------------------------------------------------------------------------------------

    async def next_delivery(self, now: float, lease: float) -> Job | None:
        """See `bot.ports.DeliveryStore.next_delivery`."""
        async with self._database.read() as reading:
            if await reading.one(_NEXT_DELIVERY, (now,)) is None:
                return None
        async with self._database.write() as tx:
            row = await tx.one(_NEXT_DELIVERY, (now,))
            if row is None:
                return None
            await tx.run("UPDATE jobs SET delivery_until = ? WHERE id = ?", (now + lease, row["id"]))
            return job_of(row)

    async def shown(self, job_id: int, now: float, message_id: int | None) -> bool:
        """PENDING → SHOWN."""
        async with self._database.write() as tx:
            changed = await tx.run(
                "UPDATE jobs SET delivery = 'SHOWN', shown_at = ? WHERE id = ? AND delivery = 'PENDING'", (now, job_id)
            )
            if changed:
                await _note(tx, now, "job.shown", await _job(tx, job_id), message=message_id)
            return changed == 1

    async def retry_delivery(self, job_id: int, not_before: float) -> bool:
        """Offer it again later."""
        async with self._database.write() as tx:
            sql = "UPDATE jobs SET delivery_until = ? WHERE id = ? AND delivery = 'PENDING'"
            return await tx.run(sql, (not_before, job_id)) == 1

    async def lapse(self, job_id: int, now: float) -> bool:
        """PENDING → LAPSED, and the charge goes back."""
        async with self._database.write() as tx:
            row = await tx.one("SELECT * FROM jobs WHERE id = ? AND delivery = 'PENDING'", (job_id,))
            if row is None:
                return False
            before = job_of(row)
            await tx.run(
                "UPDATE jobs SET delivery = 'LAPSED', shown_at = ?, charged_anlas = 0, charged_pictures = 0 "
                "WHERE id = ?",
                (now, job_id),
            )
            after = await _job(tx, job_id)
            await _count(tx, after, _Share.of(before), _Share.of(after))
            await _note(tx, now, "job.lapsed", after, given_back=before.charged_anlas)
            return True

    async def note_nonce(self, job_id: int, nonce: str) -> bool:
        """Write down a new message's nonce; False when it stood there already."""
        async with self._database.write() as tx:
            sql = "UPDATE jobs SET nonce = ? WHERE id = ? AND (nonce IS NULL OR nonce <> ?)"
            return await tx.run(sql, (nonce, job_id, nonce)) == 1

    async def forget_tokens(self, now: float) -> int:
        """Erase interaction tokens that have expired."""
        async with self._database.write() as tx:
            rows = await tx.all("SELECT id, place FROM jobs WHERE token_expires <= ?", (now,))
            for row in rows:
                place = from_json(row["place"], Place)
                bare = Place(
                    channel_id=place.channel_id,
                    message_id=place.message_id,
                    file_limit=place.file_limit,
                    ephemeral=place.ephemeral,
                )
                await tx.run("UPDATE jobs SET place = ?, token_expires = NULL WHERE id = ?", (to_json(bare), row["id"]))
            return len(rows)

    async def purge_pictures(self, shown_before: float) -> int:
        """Delete the bytes of pictures that were shown, or lapsed, before that moment."""
        async with self._database.write() as tx:
            return await tx.run(
                "DELETE FROM blobs WHERE job_id IN (SELECT id FROM jobs WHERE delivery IN ('SHOWN', 'LAPSED') "
                "AND shown_at < ? AND id IN (SELECT job_id FROM blobs))",
                (shown_before,),
            )

    # --- servers -----------------------------------------------------------------------------------------------------

    async def config(self, guild_id: int) -> GuildConfig | None:
        """The settings of an admitted server."""
        return (await self.configs()).get(guild_id)

    async def configs(self) -> Mapping[int, GuildConfig]:
        """The settings of every admitted server."""
        async with self._database.read() as reading:
            rows = await reading.all("SELECT id, config FROM guilds WHERE config IS NOT NULL")
        return {row["id"]: config_of(row["config"]) for row in rows}

    async def save(self, guild_id: int, config: GuildConfig) -> None:
        """Admit a server, or change its settings."""
        async with self._database.write() as tx:
            await tx.run(
                "INSERT INTO guilds (id, config) VALUES (?, ?) "
                "ON CONFLICT (id) DO UPDATE SET config = excluded.config, version = guilds.version + 1",
                (guild_id, to_json(config)),
            )

    async def grant(self, guild_id: int, user_id: int, now: float, *, pictures: int = 0, anlas: int = 0) -> None:
        """Extra pictures or Anlas for the running day."""
        async with self._database.write() as tx:
            await _touch_member(tx, guild_id, user_id, now)
            await tx.run(
                "UPDATE members SET extra_pictures = extra_pictures + ?, extra_anlas = extra_anlas + ? "
                "WHERE guild_id = ? AND user_id = ?",
                (pictures, anlas, guild_id, user_id),
            )
            await _audit(tx, now, "quota.granted", guild_id, user_id, None, {"pictures": pictures, "anlas": anlas})

    async def is_empty(self) -> bool:
        """Whether the store never held a server or a job."""
        async with self._database.read() as reading:
            row = await reading.one("SELECT 1 FROM guilds UNION ALL SELECT 1 FROM jobs LIMIT 1")
        return row is None

    async def command_digest(self) -> str | None:
        """The digest of the commands that were last synced."""
        async with self._database.read() as reading:
            row = await reading.one("SELECT value FROM meta WHERE key = ?", (DIGEST,))
        return row["value"] if row else None

    async def save_command_digest(self, digest: str) -> None:
        """Note the digest of the commands that were synced."""
        async with self._database.write() as tx:
            await tx.run(
                "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (DIGEST, digest),
            )

    async def write(
        self,
        now: float,
        kind: str,
        *,
        guild_id: int | None = None,
        actor: int | None = None,
        job_id: int | None = None,
        data: Mapping[str, object] | None = None,
    ) -> int:
        """Append an audit line; its number."""
        async with self._database.write() as tx:
            return await _audit(tx, now, kind, guild_id, actor, job_id, data or {})


_NEXT_DELIVERY = "SELECT * FROM jobs WHERE delivery = 'PENDING' AND delivery_until <= ? ORDER BY settled_at, id LIMIT 1"


class _Share:
    """What one job takes of the windows: of its member's pictures and Anlas, and of the budgets' Anlas."""

    __slots__ = ("anlas", "budget", "pictures")

    def __init__(self, pictures: int, anlas: int, budget: int) -> None:
        self.pictures = pictures
        self.anlas = anlas
        self.budget = budget

    @classmethod
    def of(cls, job: Job) -> "_Share":
        """Charged or else reserved; a budget counts what was spent where that is more."""
        anlas = job.price if job.charged_anlas is None else job.charged_anlas
        pictures = job.pictures if job.charged_pictures is None else job.charged_pictures
        return cls(pictures, anlas, max(anlas, job.spent))


async def _lock(tx: Transaction, requester: Requester, now: float) -> None:
    """Take house, guild and member, always in this order, each turned to the running day."""
    day = day_of(now).start
    await tx.run(
        "UPDATE house SET version = version + 1, pictures = CASE WHEN day_start < ? THEN 0 ELSE pictures END, "
        "anlas = CASE WHEN day_start < ? THEN 0 ELSE anlas END, day_start = MAX(day_start, ?) WHERE id = 1",
        (day, day, day),
    )
    await tx.run("INSERT INTO guilds (id) VALUES (?) ON CONFLICT (id) DO NOTHING", (requester.scope,))
    await tx.run(
        "UPDATE guilds SET version = version + 1, pictures = CASE WHEN day_start < ? THEN 0 ELSE pictures END, "
        "anlas = CASE WHEN day_start < ? THEN 0 ELSE anlas END, day_start = MAX(day_start, ?) WHERE id = ?",
        (day, day, day, requester.scope),
    )
    await _touch_member(tx, requester.scope, requester.user_id, now)


async def _touch_member(tx: Transaction, guild_id: int, user_id: int, now: float) -> None:
    day = day_of(now).start
    await tx.run(
        "INSERT INTO members (guild_id, user_id) VALUES (?, ?) ON CONFLICT (guild_id, user_id) DO NOTHING",
        (guild_id, user_id),
    )
    await tx.run(
        "UPDATE members SET version = version + 1, "
        "pictures = CASE WHEN day_start < ? THEN 0 ELSE pictures END, "
        "anlas = CASE WHEN day_start < ? THEN 0 ELSE anlas END, "
        "extra_pictures = CASE WHEN day_start < ? THEN 0 ELSE extra_pictures END, "
        "extra_anlas = CASE WHEN day_start < ? THEN 0 ELSE extra_anlas END, "
        "day_start = MAX(day_start, ?) WHERE guild_id = ? AND user_id = ?",
        (day, day, day, day, day, guild_id, user_id),
    )


async def _already(tx: Transaction, application: Application, now: float) -> Job | None:
    """The job that this key made, or that the same person's press of the same button made just now."""
    row = await tx.one("SELECT * FROM jobs WHERE key = ?", (application.key,))
    if row is None and application.origin is not None:
        row = await tx.one(
            "SELECT * FROM jobs WHERE origin = ? AND user_id = ? AND admitted_at > ? ORDER BY id DESC LIMIT 1",
            (application.origin, application.requester.user_id, now - DOUBLE_CLICK),
        )
    return job_of(row) if row else None


async def _standing(reading: Transaction, requester: Requester, now: float) -> Standing:
    day = day_of(now).start
    house = await reading.one("SELECT * FROM house WHERE id = 1")
    member = await reading.one(
        "SELECT * FROM members WHERE guild_id = ? AND user_id = ?", (requester.scope, requester.user_id)
    )
    live = await reading.all(
        f"SELECT state, COUNT(*) AS n FROM jobs WHERE guild_id = ? AND user_id = ? AND state IN {_LIVE} GROUP BY state",  # noqa: S608
        (requester.scope, requester.user_id),
    )
    counts = {row["state"]: row["n"] for row in live}
    today = _today(member, day)
    whole = _today(house, day)
    return Standing(
        now_turn=house["now_turn"] if house else 0,
        last_turn=member["last_turn"] if member else 0,
        pictures=today.get("pictures", 0),
        anlas=today.get("anlas", 0),
        extra_pictures=today.get("extra_pictures", 0),
        extra_anlas=today.get("extra_anlas", 0),
        waiting=counts.get("QUEUED", 0),
        last_admitted=member["last_admitted"] if member else None,
        house_pictures=whole.get("pictures", 0),
        house_anlas=whole.get("anlas", 0),
    )


def _today(row: Row | None, day: float) -> dict[str, int]:
    """A row's counters, if they are of the running day."""
    return dict(row) if row is not None and row["day_start"] >= day else {}


async def _insert(tx: Transaction, application: Application, turn: int, now: float) -> int:
    place, requester = application.place, application.requester
    return await tx.insert(
        "INSERT INTO jobs (key, guild_id, user_id, origin, interaction, requester, place, token_expires, kind, "
        "request, state, price, pictures, turn, admitted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'QUEUED', ?, ?, ?, ?)",
        (
            application.key,
            requester.scope,
            requester.user_id,
            application.origin,
            application.interaction,
            to_json(requester),
            None if place is None else to_json(place),
            place.token_expires if place is not None and place.token else None,
            kind_of(application.request),
            to_json(application.request),
            application.price,
            application.pictures,
            turn,
            now,
        ),
    )


async def _job(tx: Transaction, job_id: int) -> Job:
    row = await tx.one("SELECT * FROM jobs WHERE id = ?", (job_id,))
    if row is None:
        raise LookupError(job_id)
    return job_of(row)


async def _count(tx: Transaction, job: Job, before: _Share, after: _Share) -> None:
    """Put the counters of the windows right in which the job was admitted; other days' are not touched."""
    pictures, anlas = after.pictures - before.pictures, after.anlas - before.anlas
    budget = after.budget - before.budget
    scope, user, since = job.requester.scope, job.user_id, job.admitted_at
    await tx.run(
        "UPDATE house SET pictures = pictures + ?, anlas = anlas + ? WHERE id = 1 AND day_start <= ?",
        (pictures, budget, since),
    )
    await tx.run(
        "UPDATE guilds SET pictures = pictures + ?, anlas = anlas + ? WHERE id = ? AND day_start <= ?",
        (pictures, budget, scope, since),
    )
    await tx.run(
        "UPDATE members SET pictures = pictures + ?, anlas = anlas + ? WHERE guild_id = ? AND user_id = ? "
        "AND day_start <= ?",
        (pictures, anlas, scope, user, since),
    )


async def _next_job(tx: Transaction, now: float) -> Row | None:
    """The first job in fair order whose time has come and whose member may run one more."""
    rows = await tx.all(
        "SELECT id, turn, guild_id, user_id FROM jobs WHERE state = 'QUEUED' AND not_before <= ? ORDER BY turn, id",
        (now,),
    )
    running: dict[tuple[int, int], int] = {}
    for live in await tx.all(f"SELECT guild_id, user_id FROM jobs WHERE state IN {_ON_ACCOUNT}"):  # noqa: S608
        member = (live["guild_id"], live["user_id"])
        running[member] = running.get(member, 0) + 1
    for row in rows:
        busy = running.get((row["guild_id"], row["user_id"]), 0)
        if not busy or busy < await _running_cap(tx, row["guild_id"]):
            return row
    return None


async def _running_cap(tx: Transaction, guild_id: int) -> int:
    row = await tx.one("SELECT config FROM guilds WHERE id = ?", (guild_id,))
    return config_of(row["config"]).running if row and row["config"] else GuildConfig().running


async def _lease(tx: Transaction, account: str, holder: str, now: float, lease: float) -> bool:
    """Take the account under a new fence, unless somebody else's lease lives or it still has a job."""
    busy = await tx.one(f"SELECT 1 FROM jobs WHERE account = ? AND state IN {_ON_ACCOUNT}", (account,))  # noqa: S608
    if busy is not None:
        return False
    await tx.run("INSERT INTO accounts (id) VALUES (?) ON CONFLICT (id) DO NOTHING", (account,))
    return (
        await tx.run(
            "UPDATE accounts SET fence = fence + 1, holder = ?, leased_until = ? "
            "WHERE id = ? AND (leased_until <= ? OR holder = ?)",
            (holder, now + lease, account, now, holder),
        )
        == 1
    )


async def _renew(tx: Transaction, job: Job, until: float) -> bool:
    sql = "UPDATE accounts SET leased_until = ? WHERE id = ? AND fence = ?"
    return await tx.run(sql, (until, job.account, job.fence)) == 1


async def _held_by(tx: Transaction, job: Job) -> Job | None:
    """The job as it stands, if it is still this holder's."""
    row = await tx.one(
        f"SELECT * FROM jobs WHERE id = ? AND fence = ? AND state IN {_ON_ACCOUNT} "  # noqa: S608
        "AND EXISTS (SELECT 1 FROM accounts WHERE accounts.id = jobs.account AND accounts.fence = jobs.fence)",
        (job.id, job.fence),
    )
    return job_of(row) if row else None


async def _free(tx: Transaction, job: Job) -> None:
    await tx.run("UPDATE accounts SET leased_until = 0 WHERE id = ? AND fence = ?", (job.account, job.fence))


async def _requeue(tx: Transaction, before: Job, not_before: float, *, give_back_try: bool) -> None:
    await tx.run(
        "UPDATE jobs SET state = 'QUEUED', spent = 0, sent_at = NULL, claimed_at = NULL, account = NULL, "
        "not_before = ?, tries = tries - ? WHERE id = ?",
        (not_before, 1 if give_back_try and before.tries else 0, before.id),
    )
    after = await _job(tx, before.id)
    await _count(tx, after, _Share.of(before), _Share.of(after))
    await _note(tx, not_before, "job.handed_back", after, tries=after.tries)


async def _keep(tx: Transaction, job_id: int, pictures: Sequence[Picture]) -> None:
    for n, picture in enumerate(pictures):
        await tx.run(
            "INSERT INTO blobs (job_id, kind, n, media_type, seed, data) VALUES (?, 'picture', ?, ?, ?, ?)",
            (job_id, n, picture.media_type, picture.seed, picture.data),
        )


async def _end(tx: Transaction, before: Job, now: float, settlement: Settlement) -> None:
    delivery = Delivery.NONE if settlement.silent else Delivery.PENDING
    await tx.run(
        "UPDATE jobs SET state = ?, charged_anlas = ?, charged_pictures = ?, spent = ?, reason = ?, settled_at = ?, "
        "delivery = ?, delivery_until = 0 WHERE id = ?",
        (
            settlement.state.value,
            settlement.charged_anlas,
            settlement.charged_pictures,
            settlement.spent,
            settlement.reason,
            now,
            delivery.value,
            before.id,
        ),
    )
    await tx.run("DELETE FROM blobs WHERE job_id = ? AND kind <> 'picture'", (before.id,))
    after = await _job(tx, before.id)
    await _count(tx, after, _Share.of(before), _Share.of(after))
    await _note(
        tx, now, "job.settled", after, state=after.state.value, charged=after.charged_anlas, spent=after.spent,
        reason=after.reason,
    )  # fmt: skip


def _answer_lost(job: Job) -> Settlement:
    return Settlement(
        state=JobState.FAILED, charged_anlas=0, charged_pictures=0, spent=job.spent, reason="failed.answer"
    )


async def _note(tx: Transaction, now: float, kind: str, job: Job, **data: object) -> None:
    await _audit(tx, now, kind, job.requester.scope, job.user_id, job.id, data)


async def _audit(
    tx: Transaction,
    now: float,
    kind: str,
    guild_id: int | None,
    actor: int | None,
    job_id: int | None,
    data: Mapping[str, object],
) -> int:
    return await tx.insert(
        "INSERT INTO audit (at, kind, guild_id, actor, job_id, data) VALUES (?, ?, ?, ?, ?, ?)",
        (now, kind, guild_id, actor, job_id, json.dumps(data)),
    )
