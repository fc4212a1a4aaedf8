"""Rows to values and back; whatever a row says that is no value of ours is a `StoreError`."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import msgspec

from bot.adapters.store.driver import Row, Value
from bot.domain.allowance import Allowance, Target, Whose
from bot.domain.case import Case, CaseKind, CaseState, Decision, Notice
from bot.domain.change import Change, Pending
from bot.domain.conduct import Conduct
from bot.domain.errors import NaibotError, StoreError
from bot.domain.guild import Block, GuildConfig
from bot.domain.inputs import Input, InputKind
from bot.domain.job import Application, Delivery, Draft, Job, JobState, Likeness
from bot.domain.record import Entry, Record
from bot.domain.request import Generate, Picture, Place, Request, Requester
from bot.domain.sheet import Sheet
from bot.domain.tools import Direct, Upscale
from bot.domain.wordlist import Rule, RuleKind, Then

log = logging.getLogger(__name__)

T = TypeVar("T")

KINDS: Mapping[str, type[Request]] = {"generate": Generate, "direct": Direct, "upscale": Upscale}
"""What stands in the column ``kind``."""
SHEET = "sheet"
"""The kind of a draft that is a form to fill."""

_encoder = msgspec.json.Encoder(enc_hook=str)


def kind_of(request: Request) -> str:
    """The kind of *request*."""
    return next(kind for kind, type_ in KINDS.items() if isinstance(request, type_))


def to_json(value: object) -> str:
    """JSON text; raises `StoreError` for text that is no Unicode (half a surrogate pair)."""
    try:
        return _encoder.encode(value).decode()
    except ValueError as error:
        raise StoreError("store.broken") from error


def _from_json(text: str, type_: type[T]) -> T:
    """Read *text* as a value that checks itself."""
    try:
        return msgspec.json.decode(text, type=type_)
    except (msgspec.DecodeError, NaibotError, ValueError, TypeError) as error:
        raise StoreError("store.broken") from error


def columns_of(application: Application) -> dict[str, Value]:
    """What an application says of its job's row."""
    requester = application.requester
    return {
        "key": application.key,
        "guild_id": requester.scope,
        "user_id": requester.user_id,
        "requester": to_json(requester),
        **place_columns(application.place),
        "kind": kind_of(application.request),
        "request": to_json(application.request),
        "shape": application.shape,
        "price": application.price,
        "pictures": application.pictures,
        "origin": application.origin,
        "interaction": application.interaction,
    }


def place_columns(place: Place | None) -> dict[str, Value]:
    """A place, its token apart."""
    if place is None:
        return {"place": None, "token": None, "token_expires": None}
    return {
        "place": to_json(replace(place, token=None)),
        "token": place.token,
        "token_expires": place.token_expires,
    }


def place_of(row: Row) -> Place | None:
    """The place of a job's row, without its token once that was erased."""
    return replace(_from_json(row["place"], Place), token=row["token"]) if row["place"] is not None else None


def job_of(row: Row) -> Job:
    """The job of a row. A request that cannot be read counts as forgotten; anything else raises `StoreError`."""
    try:
        state, delivery = JobState(row["state"]), Delivery(row["delivery"])
        shown_as = Likeness(row["shown_as"]) if row["shown_as"] is not None else None
    except ValueError as error:
        raise StoreError("store.broken", job=row["id"]) from error
    return Job(
        id=row["id"],
        state=state,
        delivery=delivery,
        requester=_from_json(row["requester"], Requester),
        place=place_of(row),
        request=_request_of(row),
        price=row["price"],
        pictures=row["pictures"],
        charged_anlas=row["charged_anlas"],
        charged_pictures=row["charged_pictures"],
        spent=row["spent"],
        turn=row["turn"],
        step=row["step"],
        tries=row["tries"],
        not_before=row["not_before"],
        account=row["account"],
        fence=row["fence"],
        reason=row["reason"],
        origin=row["origin"],
        interaction=row["interaction"],
        admitted_at=row["admitted_at"],
        claimed_at=row["claimed_at"],
        sent_at=row["sent_at"],
        settled_at=row["settled_at"],
        delivery_tries=row["delivery_tries"],
        delivered_at=row["delivered_at"],
        inbox_until=row["inbox_until"],
        shown_as=shown_as,
        hidden=bool(row["hidden"]),
        approver=row["approver"],
    )


def jobs_of(rows: list[Row]) -> list[Job]:
    """The jobs of many rows, as far as they can be read."""
    return _readable("job", rows, job_of)


def _readable(what: str, rows: Iterable[Row], read: Callable[[Row], T]) -> list[T]:
    """Each of *rows*; one that cannot be read must not hide the others."""
    found = []
    for row in rows:
        try:
            found.append(read(row))
        except StoreError:
            log.exception("%s %s cannot be read", what, row["id"])
    return found


def _request_of(row: Row) -> Request | None:
    if row["request"] is None:
        return None
    try:
        return _read_request(row["kind"], row["request"])
    except StoreError:
        log.exception("the request of job %s cannot be read", row["id"])
        return None


def _read_request(kind: str, text: str) -> Request:
    if kind not in KINDS:
        raise StoreError("store.broken", kind=kind)
    return _from_json(text, KINDS[kind])


def draft_of(row: Row) -> Draft:
    """The draft of a row; a form's is of a kind of its own, and holds its request."""
    sheet = _from_json(row["request"], Sheet) if row["kind"] == SHEET else None
    return Draft(
        id=row["id"],
        requester=_from_json(row["requester"], Requester),
        request=sheet.request if sheet is not None else _read_request(row["kind"], row["request"]),
        price=row["price"],
        expires_at=row["expires_at"],
        sheet=sheet,
    )


def picture_of(row: Row) -> Picture:
    """The picture of a blob's row."""
    return Picture(data=row["data"], media_type=row["media_type"], seed=row["seed"])


def input_of(row: Row) -> Input:
    """Which of a request's images a blob's row holds."""
    try:
        return Input(InputKind(row["kind"]), row["n"])
    except ValueError as error:
        raise StoreError("store.broken", job=row["job_id"]) from error


def config_of(row: Row) -> GuildConfig:
    """The settings in a guild's row."""
    return _from_json(row["config"], GuildConfig)


def allowance_of(row: Row) -> tuple[int, Target, Allowance]:
    """The allowance of a row, with its server and whose it is."""
    try:
        target = Target(whose=Whose(row["whose"]), id=row["id"])
        return row["guild_id"], target, Allowance(stated=_from_json(row["stated"], dict[str, int | None]))
    except (NaibotError, ValueError) as error:
        raise StoreError("store.broken") from error


def block_of(row: Row) -> Block:
    """The block of a row."""
    return Block(**row)


def rule_of(row: Row) -> Rule | None:
    """The rule on words of a row; one that cannot be read is left out, because it must not hold up the others."""
    try:
        return Rule(text=row["text"], kind=RuleKind(row["kind"]), then=Then(row["action"]))
    except ValueError:
        log.exception("a rule of server %s cannot be read", row["guild_id"])
        return None


def pending_of(row: Row) -> Pending:
    """The pending change of a row."""
    return Pending(
        id=row["id"],
        guild_id=row["guild_id"],
        user_id=row["user_id"],
        change=_from_json(row["change"], Change),
        expires_at=row["expires_at"],
    )


def entry_of(row: Row) -> Entry:
    """The audit line of a row."""
    record = Record(
        at=row["at"],
        kind=row["kind"],
        guild_id=row["guild_id"],
        actor=row["actor"],
        job_id=row["job_id"],
        data=_from_json(row["data"], dict),
    )
    return Entry(id=row["id"], record=record)


def case_of(row: Row) -> Case:
    """The case of a row."""
    columns = {name: row[name] for name in _CASE_COLUMNS}
    try:
        return Case(
            **columns,
            kind=CaseKind(row["kind"]),
            state=CaseState(row["state"]),
            decision=Decision(row["decision"]) if row["decision"] is not None else None,
            data=_from_json(row["data"], dict),
            needs_ack=bool(row["needs_ack"]),
        )
    except ValueError as error:
        raise StoreError("store.broken", case=row["id"]) from error


def cases_of(rows: Sequence[Row]) -> list[Case]:
    """The cases of many rows, as far as they can be read."""
    return _readable("case", rows, case_of)


_CASE_COLUMNS = (
    "id", "guild_id", "user_id", "reason", "channel_id", "job_id", "parent_id", "opened_at", "due_at", "decided_at",
    "actor", "words", "version", "carded", "card_channel", "card_message",
)  # fmt: skip


def notice_of(row: Row) -> Notice:
    """The notice of a row."""
    return Notice(**{name: row[name] for name in ("id", "guild_id", "user_id", "case_id", "code", "tries")})


def conduct_of(row: Row | None) -> Conduct:
    """The conduct of a row; of somebody without one nothing is known."""
    if row is None:
        return Conduct()
    return Conduct(heat=row["heat"], heat_at=row["heat_at"], spoiler=bool(row["spoiler"]))
