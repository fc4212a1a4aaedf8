"""`/generate`, the question before Anlas are spent, and the buttons under a picture."""

import io
import logging
from dataclasses import replace

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.errors import Mistake, Refused
from bot.domain.guild import DIRECT_CONFIG
from bot.domain.job import Draft, Job
from bot.domain.model import CAPABILITIES
from bot.domain.request import PROMPT_MAX, SIZES, Context, Generate, Requester, parse_size
from bot.domain.rules import judge_place, never_spends
from bot.services.accounts import Accounts
from bot.services.cases import is_reportable
from bot.services.guilds import Guilds
from bot.services.moderation import Moderation
from bot.services.studio import Occasion, Studio, check_owner, refuses_copy
from cogs.ui import replies
from cogs.ui.answer import acknowledge, acknowledge_press, show_card, tell
from cogs.ui.controls import Form, Press
from cogs.ui.options import Asked, is_private_message, place_of, request_of
from cogs.ui.requester import Interaction, requester_of
from cogs.ui.sizes import size_label
from cogs.ui.wish import Wishes

log = logging.getLogger(__name__)

CHOICES = {model: row for model, row in CAPABILITIES.items() if row.is_offered}
CONTENT_MAX = 1_900
"""Characters of a command that still fits a message with its fence; a longer one goes into a file."""


def _choices(words: dict[str, str]) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=label, value=value) for value, label in words.items()]


class GenerateCog(commands.Cog, name="Generate"):
    """From a wish to a waiting message; the courier does the rest."""

    def __init__(self, studio: Studio, guilds: Guilds, moderation: Moderation, accounts: Accounts) -> None:
        self._studio = studio
        self._guilds = guilds
        self._moderation = moderation
        self._accounts = accounts
        self._wishes = Wishes(studio, accounts)

    # --- the command -------------------------------------------------------------------------------------------------

    @app_commands.command(name="generate", description=wording.GENERATE)
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.describe(
        prompt=wording.GENERATE_PROMPT,
        size=wording.GENERATE_SIZE,
        model=wording.GENERATE_MODEL,
        undesired_content=wording.GENERATE_UNDESIRED_CONTENT,
        seed=wording.GENERATE_SEED,
        steps=wording.GENERATE_STEPS,
        cfg_scale=wording.GENERATE_CFG_SCALE,
        sampler=wording.GENERATE_SAMPLER,
        characters=wording.GENERATE_CHARACTERS,
        quality_tags=wording.GENERATE_QUALITY_TAGS,
        uc_preset=wording.GENERATE_UC_PRESET,
        spoiler=wording.GENERATE_SPOILER,
        private=wording.GENERATE_PRIVATE,
        samples=wording.GENERATE_SAMPLES,
        rescale=wording.GENERATE_RESCALE,
        noise_schedule=wording.GENERATE_NOISE_SCHEDULE,
        smea=wording.GENERATE_SMEA,
        decrisper=wording.GENERATE_DECRISPER,
        variety=wording.GENERATE_VARIETY,
        transparent=wording.GENERATE_TRANSPARENT,
    )
    @app_commands.choices(
        model=[app_commands.Choice(name=row.name, value=model.value) for model, row in CHOICES.items()],
        sampler=_choices(wording.SAMPLERS),
        uc_preset=_choices(wording.UC_PRESETS),
        noise_schedule=_choices(wording.NOISE_SCHEDULES),
        smea=_choices(wording.SMEAS),
    )
    async def generate(
        self,
        interaction: Interaction,
        prompt: app_commands.Range[str, 1, 4000],
        size: str | None = None,
        model: str | None = None,
        undesired_content: app_commands.Range[str, 0, 4000] | None = None,
        seed: app_commands.Range[int, 1, 4294967295] | None = None,
        steps: app_commands.Range[int, 1, 50] | None = None,
        cfg_scale: app_commands.Range[float, 0, 10] | None = None,
        sampler: str | None = None,
        characters: app_commands.Range[str, 0, 2000] | None = None,
        quality_tags: bool = True,
        uc_preset: str | None = None,
        spoiler: bool | None = None,
        private: bool = False,
        samples: app_commands.Range[int, 1, 4] = 1,
        rescale: app_commands.Range[float, 0, 1] | None = None,
        noise_schedule: str | None = None,
        smea: str | None = None,
        decrisper: bool = False,
        variety: bool = False,
        transparent: bool = False,
    ) -> None:
        """What is known without awaiting decides whether the answer is private."""
        asked = Asked(
            prompt=prompt,
            size=size,
            model=model,
            undesired_content=undesired_content,
            seed=seed,
            steps=steps,
            cfg_scale=cfg_scale,
            sampler=sampler,
            characters=characters,
            quality_tags=quality_tags,
            uc_preset=uc_preset,
            spoiler=spoiler,
            private=private,
            samples=samples,
            rescale=rescale,
            noise_schedule=noise_schedule,
            smea=smea,
            decrisper=decrisper,
            variety=variety,
            transparent=transparent,
        )
        requester = requester_of(interaction)
        ground = self._moderation.ground(requester)
        judge_place(requester, ground)
        request = request_of(asked, ground.guild or DIRECT_CONFIG)
        await self._wishes.make(interaction, requester, request)

    @generate.autocomplete("size")
    async def complete_size(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        """The presets that fit what was typed, and what was typed itself where it is a size."""
        config = self._guilds.config(requester_of(interaction)) or DIRECT_CONFIG
        offered = {name.capitalize(): size for name, size in SIZES.items() if current.casefold() in name}
        try:
            typed = parse_size(current)
            offered.setdefault("", typed)
        except Mistake:
            pass
        request, never = request_of(Asked(prompt="-"), config), never_spends(config, self._guilds.house) is not None
        return [
            app_commands.Choice(
                name=size_label(name, replace(request, size=size), self._accounts, never=never),
                value=f"{size.width}x{size.height}",
            )
            for name, size in list(offered.items())[:25]
        ]

    # --- a refused wish ----------------------------------------------------------------------------------------------

    async def edit(self, press: Press) -> None:
        """Open a refused wish as a form."""
        prompt = (await self._drawing(press)).prompt
        form = Form("draft", press.number, "edit", wording.FORM_EDIT)
        form.ask("prompt", wording.FORM_EDIT_PROMPT, limit=PROMPT_MAX, holds=prompt.text)
        form.ask(
            "undesired", wording.FORM_EDIT_UNDESIRED, limit=PROMPT_MAX, holds=prompt.undesired_content, required=False
        )
        await press.interaction.response.send_modal(form)

    async def resend(self, press: Press) -> None:
        """The form came back: the same wish in other words."""
        interaction, requester = press.interaction, requester_of(press.interaction)
        request = await self._drawing(press)
        words = replace(
            request.prompt,
            text=press.fields.get("prompt", ""),
            undesired_content=press.fields.get("undesired", ""),
        )
        judge_place(requester, self._moderation.ground(requester))
        await self._wishes.make(interaction, requester, replace(request, prompt=words), draft_id=press.number)

    async def _drawing(self, press: Press) -> Generate:
        """The kept wish of a button or form, which describes a picture. Raises `Refused`."""
        draft = await self._studio.draft_soon(requester_of(press.interaction), press.number)
        if not isinstance(draft.request, Generate):
            raise Refused("draft.gone")
        return draft.request

    # --- the question ------------------------------------------------------------------------------------------------

    async def spend(self, press: Press) -> None:
        """Yes: the draft becomes a job, and its waiting message is a public follow-up."""
        await self._answer_question(press, free=False)

    async def make_free(self, press: Press) -> None:
        """Rather the free size."""
        await self._answer_question(press, free=True)

    async def _answer_question(self, press: Press, *, free: bool) -> None:
        interaction, requester = press.interaction, requester_of(press.interaction)
        await interaction.response.edit_message(content=wording.DONE_ASKED, view=None)
        confirm = self._studio.confirm_free if free else self._studio.confirm
        draft = await self._studio.own_draft(requester, press.number)
        private = draft.request.private
        place = place_of(interaction, None, ephemeral=private)
        occasion = Occasion(key=f"draft:{press.number}", place=place, interaction=interaction.id)
        outcome = await confirm(requester, press.number, occasion)
        if isinstance(outcome, Draft):
            changed = wording.explain("price.changed", {"old": draft.price, "new": outcome.price})
            quota = await self._studio.quota(requester)
            text, view = replies.question(outcome, self._accounts.cheapest(outcome.request), quota)
            await interaction.edit_original_response(content=f"{changed}\n{text}", view=view)
            return
        if outcome.interaction == interaction.id:
            # Else an earlier press made the job, and its waiting message stands already.
            await self._post_waiting_message(interaction, requester, outcome, private=private)

    async def _post_waiting_message(
        self, interaction: Interaction, requester: Requester, job: Job, *, private: bool
    ) -> None:
        try:
            message = await interaction.followup.send(wording.STARTING, ephemeral=private, wait=True)
        except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
            log.warning("the waiting message of job %s could not be posted: %s", job.id, type(error).__name__)
            said = await self._take_back(requester, job)
            await interaction.edit_original_response(content=wording.say(said, interaction.client.mentions))
            return
        await self._studio.place(job, place_of(interaction, message.id, ephemeral=private))

    async def _take_back(self, requester: Requester, job: Job) -> str:
        """Take back what has no message; the key of what is said. What is drawn already the courier shows elsewhere."""
        try:
            await self._studio.cancel(requester, job.id)
        except Refused:
            return "unposted.late"
        return "unposted"

    async def let_go(self, press: Press) -> None:
        """No."""
        await press.interaction.response.edit_message(content=wording.DROPPED, view=None)
        await self._studio.drop(requester_of(press.interaction), press.number)

    # --- the buttons -------------------------------------------------------------------------------------------------

    async def reroll(self, press: Press) -> None:
        """The same once more with a new seed, for whoever presses."""
        await self._again(press, "reroll", same_seed=False)

    async def make_again(self, press: Press) -> None:
        """The very same picture once more."""
        await self._again(press, "again", same_seed=True)

    async def _again(self, press: Press, verb: str, *, same_seed: bool) -> None:
        interaction, requester = press.interaction, requester_of(press.interaction)
        judge_place(requester, self._moderation.ground(requester))
        private = verb == "reroll" and is_private_message(interaction.message)
        message_id = await acknowledge(interaction, private=private)
        occasion = Occasion(
            key=str(interaction.id),
            place=place_of(interaction, message_id, ephemeral=private),
            origin=f"{interaction.message.id if interaction.message else 0}:{verb}",
            interaction=interaction.id,
        )
        outcome = await self._studio.again(requester, press.number, occasion, same_seed=same_seed)
        await self._wishes.conclude(interaction, requester, outcome)

    async def retry(self, press: Press) -> None:
        """Try a failed one again, in the message that says it failed."""
        interaction, requester = press.interaction, requester_of(press.interaction)
        await acknowledge_press(interaction)
        check_owner(requester, await self._studio.job(press.number))
        message_id = interaction.message.id if interaction.message else None
        private = is_private_message(interaction.message)
        occasion = Occasion(
            key=str(interaction.id),
            place=place_of(interaction, message_id, ephemeral=private),
            origin=f"{message_id}:retry",
            interaction=interaction.id,
        )
        outcome = await self._studio.again(requester, press.number, occasion, same_seed=True)
        if isinstance(outcome, Draft):
            await self._wishes.ask(interaction, requester, outcome)

    async def dismiss(self, press: Press) -> None:
        """Put a failure's message away."""
        await acknowledge_press(press.interaction)
        check_owner(requester_of(press.interaction), await self._studio.job(press.number))
        await press.interaction.delete_original_response()

    # --- More… -------------------------------------------------------------------------------------------------------

    async def more(self, press: Press) -> None:
        """Everything about one picture, for the one who asks."""
        interaction, requester = press.interaction, requester_of(press.interaction)
        await acknowledge(interaction, private=True)
        job = await self._studio.visible_job(requester, press.number)
        if job.request is None:
            raise Refused("gone")
        shows_prompt, may_report = self._studio.shows_prompt(requester, job), is_reportable(requester, job)
        # In direct messages it is there already.
        sends_copy = requester.context is not Context.DM and refuses_copy(requester, job) is None
        card = replies.more_card(job, shows_prompt=shows_prompt, sends_copy=sends_copy, may_report=may_report)
        await show_card(interaction, card)

    async def copy(self, press: Press) -> None:
        """The whole command, to paste."""
        await acknowledge(press.interaction, private=True)
        requester = requester_of(press.interaction)
        job = await self._studio.visible_job(requester, press.number)
        if not self._studio.shows_prompt(requester, job):
            raise Refused("not.yours", author=job.user_id)
        if not isinstance(job.request, Generate):
            raise Refused("gone")
        line = replies.command_line(job.request)
        if len(line) <= CONTENT_MAX:
            await tell(press.interaction, f"{wording.COPY_COMMAND}\n{wording.block(line, CONTENT_MAX)}")
            return
        file = discord.File(io.BytesIO(line.encode()), filename="command.txt")
        await tell(press.interaction, wording.COPY_COMMAND, files=[file])


async def setup(client: Naibot) -> None:
    """Add the cog and register its controls."""
    services = client.services
    cog = GenerateCog(services.studio, services.guilds, services.moderation, services.accounts)
    client.control("draft", "go", press=cog.spend)
    client.control("draft", "free", press=cog.make_free)
    client.control("draft", "drop", press=cog.let_go)
    client.control("draft", "edit", press=cog.edit, submit=cog.resend)
    client.control("job", "reroll", press=cog.reroll)
    client.control("job", "again", press=cog.make_again)
    client.control("job", "retry", press=cog.retry)
    client.control("job", "drop", press=cog.dismiss)
    client.control("job", "more", press=cog.more)
    client.control("job", "copy", press=cog.copy)
    await client.add_cog(cog)
