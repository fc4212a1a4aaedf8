"""Interactions: born by what a person does, acknowledged within 3 s, answerable for 15 minutes."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.standin.discord import errors, forms, lantern
from bot.standin.discord.messages import Writer, outward
from bot.standin.discord.world import EPHEMERAL, FILE_LIMIT, LOADING, Blob, Json, World

COMMAND, COMPONENT, AUTOCOMPLETE, FORM = 2, 3, 4, 5
SAY, DEFER, DEFER_UPDATE, UPDATE, CHOICES, OPEN_FORM = 4, 5, 6, 7, 8, 9
CHOICES_MAX, CHOICE_LENGTH = 25, 100
FOLLOW_UPS_MAX = 5
"""Where the application is only somebody's own (Discord's documentation, receiving-and-responding, 2026-08)."""
ALLOWED = {
    COMMAND: (SAY, DEFER, OPEN_FORM),
    COMPONENT: (SAY, DEFER, DEFER_UPDATE, UPDATE, OPEN_FORM),
    AUTOCOMPLETE: (CHOICES,),
    FORM: (SAY, DEFER, DEFER_UPDATE, UPDATE),
}


@dataclass(slots=True)
class Interaction:
    """One thing a person did."""

    id: int
    token: str
    kind: int
    user: Json
    channel_id: int
    guild_id: int | None
    born: float
    source: Json | None = None
    limit: int = FILE_LIMIT
    is_own_app: bool = False
    """Whether the application is not in that server, and answers as the person's own."""
    acknowledged: int | None = None
    """The kind of the first answer."""
    original: int | None = None
    followups: list[int] = field(default_factory=list)
    form: Json | None = None
    choices: list[Json] | None = None
    data: Json = field(default_factory=dict)
    """What was sent with it."""
    label: str = ""
    """What the person saw on what they pressed, or at the top of the form."""

    @property
    def user_id(self) -> int:
        """Who did it."""
        return int(self.user["id"])


class Interactions:
    """Every interaction, by id and by token."""

    def __init__(self, world: World, *, deadline: float = 3.0, life: float = 900.0) -> None:
        self._world = world
        self._writer = Writer(world)
        self._deadline = deadline
        self._life = life
        self.by_id: dict[int, Interaction] = {}
        self._by_token: dict[str, Interaction] = {}

    def born(self, kind: int, user_id: int, channel_id: int, source: Json | None) -> Interaction:
        """A new interaction."""
        channel = self._world.channels[channel_id]
        made = Interaction(
            id=self._world.snowflake(),
            token=secrets.token_urlsafe(96),
            kind=kind,
            user=self._world.people[user_id],
            channel_id=channel_id,
            guild_id=int(channel["guild_id"]) if channel.get("guild_id") else None,
            born=self._world.clock(),
            source=source,
            limit=self._world.file_limit(channel_id),
            is_own_app=self._world.is_absent(channel_id),
        )
        self.by_id[made.id] = self._by_token[made.token] = made
        return made

    def has_lapsed(self, interaction: Interaction) -> bool:
        """Whether the three seconds passed without a first answer."""
        return interaction.acknowledged is None and self._world.clock() - interaction.born > self._deadline

    # --- the first answer --------------------------------------------------------------------------------------------

    def answer(self, id_: int, token: str, body: Json, files: Mapping[int, Blob]) -> Json:
        """The first answer; returns what ``with_response`` asks for."""
        interaction = self.by_id.get(id_)
        if interaction is None or interaction.token != token or self.has_lapsed(interaction):
            raise errors.unknown_interaction()
        if interaction.acknowledged is not None:
            raise errors.acknowledged_already()
        kind, data = body.get("type"), body.get("data") or {}
        if not isinstance(data, dict):
            raise errors.invalid("data", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        if kind not in ALLOWED[interaction.kind]:
            raise errors.invalid("type", "INTERACTION_CALLBACK_TYPE_INVALID", f"type {kind} does not answer this")
        message = self._first(interaction, int(kind), data, files)
        interaction.acknowledged = int(kind)
        self._world.bell.ring()
        return _callback(interaction, int(kind), message)

    def _first(self, interaction: Interaction, kind: int, data: Json, files: Mapping[int, Blob]) -> Json | None:
        to = interaction.user_id if (data.get("flags") or 0) & EPHEMERAL else None
        match kind:
            case 4:
                message = self._write(interaction, data, files, to=to)
                interaction.original = int(message["id"])
                return message
            case 5:
                if (data.get("flags") or 0) & ~EPHEMERAL:
                    raise errors.invalid("data.flags", "BASE_TYPE_CHOICES", "A deferral may only be ephemeral.")
                placeholder = self._writer.placeholder(interaction.channel_id, to, _extra(interaction))
                interaction.original = int(placeholder["id"])
                return placeholder
            case 6 | 7:
                return self._update(interaction, kind, data, files)
            case 8:
                interaction.choices = _choices(data.get("choices"))
            case _:
                forms.check(data)
                interaction.form = data
        return None

    def _update(self, interaction: Interaction, kind: int, data: Json, files: Mapping[int, Blob]) -> Json | None:
        if interaction.source is None:
            raise errors.invalid("type", "INTERACTION_CALLBACK_TYPE_INVALID", "there is no message to update")
        interaction.original = int(interaction.source["id"])
        if kind == DEFER_UPDATE:
            return None
        shown = self._world.find(interaction.original)
        return self._write(interaction, data, files, old=shown.message, to=shown.to)

    def _write(
        self,
        interaction: Interaction,
        body: Json,
        files: Mapping[int, Blob],
        *,
        old: Json | None = None,
        to: int | None = None,
    ) -> Json:
        return self._writer.write(
            body,
            files,
            interaction.channel_id,
            old=old,
            to=to,
            limit=interaction.limit,
            extra=_extra(interaction),
            by=interaction.id,
        )

    # --- everything afterwards ---------------------------------------------------------------------------------------

    def alive(self, application_id: int, token: str) -> Interaction:
        """The interaction of a token that may still be used."""
        interaction = self._by_token.get(token)
        if interaction is None or application_id != lantern.APPLICATION or interaction.acknowledged is None:
            raise errors.unknown_webhook()
        if self._world.clock() - interaction.born > self._life:
            raise errors.token_expired()
        return interaction

    def follow_up(self, interaction: Interaction, body: Json, files: Mapping[int, Blob]) -> Json:
        """A further message; the first one after a deferral fills the placeholder, whatever it asks for."""
        if (placeholder := self._placeholder(interaction)) is not None:
            return self._fill(interaction, placeholder, body, files)
        if interaction.is_own_app and len(interaction.followups) >= FOLLOW_UPS_MAX:
            raise errors.too_many_followups()
        to = interaction.user_id if (body.get("flags") or 0) & EPHEMERAL else None
        message = self._write(interaction, body, files, to=to)
        interaction.followups.append(int(message["id"]))
        return message

    def edit(self, interaction: Interaction, which: str, body: Json, files: Mapping[int, Blob]) -> Json:
        """Edit the original or a follow-up."""
        shown = self._world.find(self.reach(interaction, which))
        if shown.message["flags"] & LOADING:
            return self._fill(interaction, shown.message, body, files)
        return self._write(interaction, body, files, old=shown.message, to=shown.to)

    def reach(self, interaction: Interaction, which: str) -> int:
        """The id of ``@original`` or of a message that this interaction made."""
        if which == "@original":
            found = interaction.original
        else:
            own = {interaction.original, *interaction.followups}
            found = int(which) if which.isdigit() and int(which) in own else None
        if found is None:
            raise errors.unknown_message()
        return found

    def _placeholder(self, interaction: Interaction) -> Json | None:
        shown = self._world.shown.get(interaction.original or 0)
        is_loading = shown is not None and not shown.deleted and shown.message["flags"] & LOADING
        return shown.message if shown is not None and is_loading else None

    def _fill(self, interaction: Interaction, placeholder: Json, body: Json, files: Mapping[int, Blob]) -> Json:
        to = interaction.user_id if placeholder["flags"] & EPHEMERAL else None
        return self._write(interaction, body, files, old=placeholder, to=to)


def _choices(choices: object) -> list[Json]:
    """What autocomplete offers: at most 25 entries with names and values of at most 100 characters."""
    if not isinstance(choices, list) or len(choices) > CHOICES_MAX:
        raise errors.invalid("data.choices", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    for n, choice in enumerate(choices):
        for name in ("name", "value"):
            if not 1 <= len(str(choice.get(name) if isinstance(choice, dict) else "")) <= CHOICE_LENGTH:
                path = f"data.choices.{n}.{name}"
                raise errors.invalid(path, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    return choices


def _extra(interaction: Interaction) -> Json:
    """What a message of an interaction has beside a plain one."""
    about: Json = {
        "id": str(interaction.id),
        "type": interaction.kind,
        "user": interaction.user,
        "authorizing_integration_owners": {},
    }
    if interaction.kind == COMPONENT and interaction.source is not None:
        about["interacted_message_id"] = interaction.source["id"]
    if interaction.kind == FORM:
        about["triggering_interaction_metadata"] = about | {"type": COMMAND}
    return {
        "type": 20 if interaction.kind == COMMAND else 0,
        "webhook_id": str(lantern.APPLICATION),
        "interaction_metadata": about,
    }


def _callback(interaction: Interaction, kind: int, message: Json | None) -> Json:
    ephemeral = bool(message and message["flags"] & EPHEMERAL)
    about: Json = {
        "id": str(interaction.id),
        "type": interaction.kind,
        "response_message_loading": kind == DEFER,
        "response_message_ephemeral": ephemeral,
    }
    if message is not None:
        about["response_message_id"] = message["id"]
    resource: Json = {"type": kind}
    if message is not None and kind in (SAY, UPDATE):
        resource["message"] = outward(message)
    return {"interaction": about, "resource": resource}
