"""Pictures while they form: who may see them, how large, and how often."""

import asyncio
import io
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from bot.app import trusted_keys
from bot.domain.admission import Ticket
from bot.domain.guild import GuildConfig, HouseConfig, Spoiler
from bot.domain.inputs import Img2Img, Input, InputKind, Vibe
from bot.domain.job import Job, JobState
from bot.domain.model import Model
from bot.domain.request import Preview, Requester
from bot.domain.rules import Ground, shows_previews
from bot.imaging.thumbnail import thumbnail
from bot.services.bell import Bell
from bot.services.darkroom import Darkroom
from bot.services.previews import Previews
from bot.standin.novelai import NovelAI
from tests.builders import CHANNEL, a_request, a_requester, an_application
from tests.conftest import OPEN, settings_for
from tests.services.pool import Pool, a_pool

ADULT = replace(OPEN, age_restricted=True)
AT_NIGHT = replace(a_requester(), age_restricted=True)
GROUND = Ground(guild=ADULT, house=HouseConfig(), channels={CHANNEL: True})


def _jpeg(width: int = 1_024, height: int = 640) -> bytes:
    packed = io.BytesIO()
    Image.effect_noise((width, height), 60).convert("RGB").save(packed, "JPEG")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("requester", "request_", "ground", "shows"),
    [
        (AT_NIGHT, a_request("1girl"), GROUND, True),
        (a_requester(), a_request("1girl"), GROUND, False),
        (AT_NIGHT, a_request("1girl"), replace(GROUND, guild=OPEN), False),
        (AT_NIGHT, a_request("1girl"), replace(GROUND, guild=None), False),
        (AT_NIGHT, a_request("1girl"), replace(GROUND, channels={CHANNEL: False}), False),
        (AT_NIGHT, replace(a_request("1girl"), spoiler=True), GROUND, False),
        (AT_NIGHT, a_request("1girl"), replace(GROUND, guild=replace(ADULT, spoiler=Spoiler.AGE_RESTRICTED)), False),
        (AT_NIGHT, a_request("1girl", private=True), GROUND, False),
        (AT_NIGHT, a_request("1girl, nude"), GROUND, False),
        (AT_NIGHT, a_request("1girl, l0li"), GROUND, False),
        (AT_NIGHT, a_request("1girl", model=Model.V4_5_FULL, characters="boy, shota"), GROUND, False),
        (AT_NIGHT, a_request("1girl", undesired_content="-2::child::"), GROUND, False),
        (AT_NIGHT, a_request("1girl", undesired_content="child"), GROUND, True),
    ],
)
def test_where_a_forming_picture_is_shown(requester: Requester, request_: object, ground: Ground, shows: bool) -> None:
    """Only where no check could keep the finished one back."""
    assert shows is shows_previews(requester, request_, ground)  # type: ignore[arg-type]


def test_a_preview_is_small() -> None:
    """At most 512 pixels a side, a WebP, and nothing of what is no image."""
    small = thumbnail(_jpeg())
    assert small is not None
    with Image.open(io.BytesIO(small)) as image:
        assert ("WEBP", (512, 320)) == (image.format, image.size)
    tiny = thumbnail(_jpeg(64, 32))
    assert tiny is not None
    with Image.open(io.BytesIO(tiny)) as image:
        assert (64, 32) == image.size
    assert [None] * 4 == [
        thumbnail(data) for data in (b"", b"\xff\xd8\xff" + b"x" * 99, _jpeg()[:2_000], _jpeg(2_100, 2_000))
    ]


async def test_previews_are_rare_and_the_last_one_is_forgotten(tmp_path: Path) -> None:
    """Of many only one in each span is offered; what cannot be decoded is dropped; after the end there is none."""
    darkroom, bell = Darkroom(trusted_keys(settings_for("http://127.0.0.1:1", tmp_path))), Bell()
    previews = Previews(darkroom, bell, every=0.2)
    picture = _jpeg()
    seen: list[Preview] = []
    with bell.listen() as listener, previews.of(7, shows=True) as take:
        for step in range(1, 41):
            take(Preview(step=step, total_steps=40, picture=picture if step < 35 else b"\xff\xd8\xff rubbish"))
            await asyncio.sleep(0.02)
            if listener._jobs.qsize():
                listener.drain()
                seen.append(previews.latest(7))  # type: ignore[arg-type]
    assert 3 <= len(seen) <= 5
    assert all(each.picture is not None and each.picture[8:12] == b"WEBP" for each in seen)
    assert previews.latest(7) is None
    with previews.of(7, shows=False) as take:
        take(Preview(step=3, total_steps=40, picture=picture))
        assert Preview(step=3, total_steps=40, picture=None) == previews.latest(7)
    darkroom.close()


async def _watched(pool: Pool, job: Job) -> list[Preview]:
    """What the courier would see of it."""
    seen: list[Preview] = []
    with pool.house.services.deliveries.listen() as listener:
        working = asyncio.create_task(pool.worker("a").step())
        while not working.done():
            if await listener.next(within=0.05) == job.id:
                outlook = await pool.house.services.deliveries.outlook(job.id)
                if outlook is not None and outlook.preview is not None:
                    assert JobState.SENT == outlook.job.state
                    seen.append(outlook.preview)
        await working
    return seen


@pytest.mark.parametrize("at_night", [True, False])
async def test_the_courier_sees_it_form(tmp_path: Path, novelai: tuple[NovelAI, str], at_night: bool) -> None:
    """A WebP in an age-restricted channel, elsewhere the step alone; and the picture that arrives is the real one."""
    service, address = novelai
    service.pace.step = 0.03
    config: GuildConfig = ADULT if at_night else OPEN
    async with a_pool(tmp_path, service, address, "a", config=config) as pool:
        await pool.read()
        requester = replace(a_requester(), age_restricted=at_night)
        job = await pool.wish(requester=requester, model=Model.V4_5_FULL)
        seen = await _watched(pool, job)
        [picture] = await pool.house.store.pictures(job.id)

    assert seen
    assert {28} == {each.total_steps for each in seen}
    assert {at_night} == {each.picture is not None for each in seen}
    assert service.calls[-1].images == (picture.data,)


async def test_a_vibe_is_encoded_first_and_paid_once(tmp_path: Path, novelai: tuple[NovelAI, str]) -> None:
    """Its 2 Anlas are part of the price and on the row before each body; the balance agrees."""
    service, address = novelai
    async with a_pool(tmp_path, service, address, "a") as pool:
        await pool.read()
        request = a_request(seed=7, safe=True, model=Model.V4_5_FULL, vibes=(Vibe(encoded=False), Vibe(encoded=False)))
        inputs = {Input(InputKind.VIBE, n): _png(64 + n) for n in range(2)}
        wish = replace(an_application(a_requester(), request, price=4), inputs=inputs)
        job = await pool.house.store.admit(wish, pool.clock(), lambda _: Ticket(turn=1))
        await pool.worker("a").step()

        done = await pool.now(job)
        assert (JobState.DONE, 4, 4) == (done.state, done.charged_anlas, done.spent)
        assert [2, 2, 0] == [call.billed for call in service.calls]
        assert 9_996 == pool.account("a").anlas
        assert [] == await pool.told("account.drift", "account.lost")
        assert {} == await pool.house.store.inputs(job.id)


async def test_a_busy_account_is_waited_for_once_an_encoding_was_paid(
    tmp_path: Path, novelai: tuple[NovelAI, str]
) -> None:
    """A job that went back into the queue would pay for it again."""
    service, address = novelai
    service.pace.rest, service.pace.retry_after = 0.3, 1
    async with a_pool(tmp_path, service, address, "a") as pool:
        await pool.read()
        request = a_request(seed=7, safe=True, model=Model.V4_5_FULL, vibes=(Vibe(encoded=False),))
        wish = replace(an_application(a_requester(), request, price=2), inputs={Input(InputKind.VIBE): _png()})
        job = await pool.house.store.admit(wish, pool.clock(), lambda _: Ticket(turn=1))
        await pool.worker("a").step()

        done = await pool.now(job)
        assert (JobState.DONE, 2, 1) == (done.state, done.spent, done.tries)
        assert [200, 429, 200] == [call.status for call in service.calls]


async def test_an_encoding_that_was_paid_is_remembered_as_spent(tmp_path: Path, novelai: tuple[NovelAI, str]) -> None:
    """The picture is refused for good: the member pays nothing, the 2 Anlas are on the books."""
    service, address = novelai
    async with a_pool(tmp_path, service, address, "a") as pool:
        await pool.read()
        request = a_request("1girl, !400", seed=7, safe=True, model=Model.V4_5_FULL, vibes=(Vibe(encoded=False),))
        wish = replace(an_application(a_requester(), request, price=2), inputs={Input(InputKind.VIBE): _png()})
        job = await pool.house.store.admit(wish, pool.clock(), lambda _: Ticket(turn=1))
        await pool.worker("a").step()

        failed = await pool.now(job)
        assert (JobState.FAILED, 0, 2) == (failed.state, failed.charged_anlas, failed.spent)
        assert [("account.lost", 2)] == await pool.told("account.lost", "account.drift")


async def test_a_source_is_read_from_the_store(tmp_path: Path, novelai: tuple[NovelAI, str]) -> None:
    """What was kept at admission is what NovelAI is given."""
    service, address = novelai
    async with a_pool(tmp_path, service, address, "a") as pool:
        await pool.read()
        request = a_request(seed=7, safe=True, img2img=Img2Img())
        source = _png(request.size.width, request.size.height)
        wish = replace(an_application(a_requester(), request), inputs={Input(InputKind.SOURCE): source})
        job = await pool.house.store.admit(wish, pool.clock(), lambda _: Ticket(turn=1))
        await pool.worker("a").step()

        assert JobState.DONE == (await pool.now(job)).state
        assert "img2img" == service.calls[-1].request["action"]


def _png(width: int = 64, height: int = 64) -> bytes:
    packed = io.BytesIO()
    Image.effect_noise((width, height), 60).convert("RGB").save(packed, "PNG")
    return packed.getvalue()
