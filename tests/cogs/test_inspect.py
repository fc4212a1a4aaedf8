"""`/inspect` and what can be done with its card, through the real client and a strict stand-in."""

import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import pytest
from aiohttp import web
from PIL import Image

from bot import wording
from bot.domain.claims import Claim, Note
from bot.domain.errors import Mistake
from bot.imaging.inspection import inspect_image
from bot.imaging.report import inspect_files
from bot.imaging.signature import NOVELAI, STANDIN
from bot.standin.discord import lantern
from bot.standin.discord.components import walk
from bot.standin.discord.messages import Writer
from bot.standin.discord.world import Blob
from cogs.ui.images import Images
from cogs.ui.inspection import METADATA
from tests.imaging.pictures import COMMENT, a_picture, hidden, packed, png, signed
from tests.openapi import OpenApi
from tests.shared import SHARED
from tests.stage import STUDIO, Stage, open_stage, text_of

Json = dict[str, Any]
STRIPPED = png(hidden(a_picture(80, 96), packed(signed(a_picture(80, 96)))))
NIGHTLY = replace(STUDIO, channels=(lantern.STUDIO, lantern.NIGHT_STUDIO), age_restricted=True)
SAMPLES = sorted(SHARED.glob("samples/*.*g")) + sorted(SHARED.glob("samples/*.webp"))
SAMPLES += sorted(SHARED.glob("samples/other/*")) + sorted(SHARED.glob("samples/bad/*"))


def told(prompt: str = "1girl, smile", **more: Any) -> bytes:
    """A PNG that says so."""
    return png(a_picture(), Software="NovelAI", Comment=json.dumps({**COMMENT, "prompt": prompt, **more}))


def upload(stage: Stage, data: bytes, name: str = "a.png", kind: str = "image/png") -> str:
    """The id of an uploaded file."""
    file = stage.discord.world.attach(lantern.STUDIO, Blob(name, kind, data), ephemeral=True)
    stage.discord.world.uploads[file["id"]] = file
    return str(file["id"])


async def looked_at(stage: Stage, *images: bytes, **options: Any) -> Json:
    """The card of `/inspect` of those images."""
    names = ("image", "image_2", "image_3", "image_4")
    given = {name: upload(stage, data, f"{name}.png") for name, data in zip(names, images, strict=False)}
    return await stage.answered(await stage.slash("inspect", **given, **options))


def memory_of(stage: Stage, card: Json) -> Any:
    """What the card's own file says."""
    [url] = [media["url"] for part in walk(card["components"]) if (media := part.get("file")) is not None]
    return json.loads(stage.discord.world.blobs[int(url.split("/")[5])].data)


def labels(card: Json) -> list[str]:
    """The buttons of a card."""
    return [part["label"] for part in walk(card["components"]) if part["type"] == 2]


# --- several images --------------------------------------------------------------------------------------------------


async def test_four_images_are_one_card_with_a_heading_each(tmp_path: Path) -> None:
    """One that cannot be read has its place and its reason; one file says all of it."""
    async with open_stage(tmp_path, judge=(judge := OpenApi())) as stage:
        card = await looked_at(stage, told("x" * 3_000), STRIPPED, b"no picture", told("1girl"))

        text, memory = text_of(card), memory_of(stage, card)
        for n in range(1, 5):
            assert f"### Image {n} of 4 · `image" in text
        assert wording.VERDICT_ERROR in text
        assert len(text) <= 3_200
        assert ["NovelAI"] * 2 == [memory["images"][n]["claims"][0]["generator"] for n in (0, 3)]
        assert "image.type" == memory["images"][2]["error"]["code"]
        assert 3 == labels(card).count("Use these settings")
        assert ["Restored file", "Show to everyone"] == [each for each in labels(card) if each[0] in "RS"]
        copied = await stage.answered(await stage.press_id(card, "look:4:copy"))
        assert wording.block("1girl") == copied["content"]
    assert [] == judge.wrong


async def test_the_menu_reads_attachments_then_cards_then_embeds(tmp_path: Path) -> None:
    """Up to four, by the original's address and never by the proxy's, which serves a small copy."""
    async with open_stage(tmp_path) as stage:
        writer = Writer(stage.discord.world)
        files = {n: Blob(f"{n}.png", "image/png", told(f"picture {n}")) for n in range(3)}
        gallery = {"type": 12, "items": [{"media": {"url": "attachment://0.png"}}]}
        thumbnail = {"type": 11, "media": {"url": "attachment://1.png"}}
        section = {"type": 9, "components": [{"type": 10, "content": "x"}], "accessory": thumbnail}
        inside = [{"type": 17, "components": [gallery, section, {"type": 13, "file": {"url": "attachment://2.png"}}]}]
        card = writer.write({"flags": 1 << 15, "components": inside}, files, lantern.STUDIO)
        embed = [{"image": {"url": "attachment://0.png"}}]
        embedded = writer.write({"embeds": embed}, {0: files[0]}, lantern.STUDIO)
        many = {n: Blob(f"{n}.png", "image/png", told(f"picture {n}")) for n in range(6)}
        plain = writer.write({"content": "x"}, many, lantern.STUDIO)

        for message, prompts in ((card, (0, 1, 2)), (embedded, (0,)), (plain, (0, 1, 2, 3))):
            found = await stage.answered(await stage.menu("Inspect image", message))
            text = text_of(found)
            assert [f"picture {n}" in text for n in range(6)] == [n in prompts for n in range(6)]
            assert wording.NOTE_PREVIEW not in text


async def test_nothing_but_discords_own_is_ever_fetched(tmp_path: Path) -> None:
    """An embed's address leads nowhere, a file of ours that was forged leads nowhere, nor does a redirect."""
    asked: list[str] = []

    async def other(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(body=told(), content_type="image/png")

    app = web.Application()
    app.router.add_get("/{tail:.*}", other)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    async with open_stage(tmp_path) as stage:
        address = f"http://127.0.0.1:{port}/attachments/1/2/a.png"
        embeds = [{"image": {"url": address}}]
        message = Writer(stage.discord.world).write({"embeds": embeds}, {}, lantern.STUDIO)
        answer = await stage.answered(await stage.menu("Inspect image", message))
        images, base = Images(stage.client), stage.discord.world.base
        host = base.partition("//")[2]
        for url in (
            address,
            f"http://{host}@127.0.0.1:{port}/attachments/1/2/a.png",
            f"{base}/room/x/attachments/1",
            f"{base}/api/attachments/1",
            "file:///etc/passwd",
            "http://[",
            "https://cdn.discordapp.com.example/attachments/1/2/a.png",
            "http://cdn.discordapp.com/attachments/1/2/a.png",
        ):
            with pytest.raises(Mistake):
                await images.fetch_whole(url, 1_000)
    await runner.cleanup()

    assert wording.say("image.none") == text_of(answer)
    assert [] == asked


async def test_where_only_discords_preview_is_at_hand_that_is_said(tmp_path: Path) -> None:
    """The proxy signs as the CDN does, so of attachments the original is taken; of all else the copy."""
    async with open_stage(tmp_path) as stage:
        practice = Images(stage.client)
        stage.client.settings = replace(stage.settings, discord_api="https://discord.com/api/v10")
        images = Images(stage.client)
        signature = "ex=1&is=2&hm=3"
        originals = {
            f"https://media.discordapp.net/attachments/1/2/a.png?{signature}&format=webp&width=300": False,
            f"https://cdn.discordapp.com/attachments/1/2/a.png?{signature}&": False,
            "https://images-ext-1.discordapp.net/external/abc/https/example.org/a.png?format=webp": True,
        }
        message = Writer(stage.discord.world).write({"content": "x"}, {}, lantern.STUDIO)
        raw = {**message, "embeds": [{"type": "image", "image": {"url": "https://example.org/a.png", "proxy_url": url}}
                                     for url in originals]}  # fmt: skip
        state: Any = stage.client._connection
        channel: Any = stage.client.get_channel(lantern.STUDIO)
        found = images.of_message(discord.Message(state=state, channel=channel, data=raw))

        assert [False, True] == [each.is_preview for each in found]
        assert f"https://cdn.discordapp.com/attachments/1/2/a.png?{signature}" == found[0].url

        data = told()
        blob = stage.discord.world.attach(lantern.STUDIO, Blob("a.png", "image/png", data))
        assert data == await practice.fetch_whole(blob["proxy_url"], 1 << 20)
        assert () == practice.of_message(discord.Message(state=state, channel=channel, data=raw))


@pytest.mark.skipif(not SAMPLES, reason="needs ../shared/samples")
async def test_every_sample_reads_as_at_the_shell(tmp_path: Path) -> None:
    """The card's file is what `naibot inspect --json` says; what cannot be read gets the same sentence."""
    async with open_stage(tmp_path) as stage:
        for path in SAMPLES:
            [found] = inspect_files([str(path)], trusted={**NOVELAI, **STANDIN})
            answer = await stage.answered(
                await stage.slash("inspect", image=upload(stage, path.read_bytes(), path.name))
            )
            if "error" in found:
                assert (path.name, found["error"]["message"]) == (path.name, text_of(answer))
                continue
            memory = memory_of(stage, answer)
            for name in ("verdict", "notes", "format", "width", "height"):
                assert (path.name, found[name]) == (path.name, memory[name])
            assert (path.name, wording.say(f"verdict.{_headline(found)}")[:1]) == (path.name, text_of(answer)[4:5])


def _headline(found: Json) -> str:
    verdict = str(found["verdict"])
    is_other = verdict == "unsigned" and "NovelAI" not in [claim["generator"] for claim in found["claims"]]
    return "credentials" if is_other else verdict


# --- use these settings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wish",
    [
        {"prompt": "1girl, smile", "smea": "smea_dyn", "seed": 5, "rescale": 0.2, "sampler": "k_euler"},
        {"prompt": "2girls, {river|sea}", "model": "nai-diffusion-4-5-full", "variety": True,
         "characters": "girl, red hair @B3 // hat | girl, tall", "undesired_content": "rain"},
        {"prompt": "1girl", "model": "nai-diffusion-5-full", "characters": "girl @0.37,0.6", "transparent": True},
    ],
)  # fmt: skip
async def test_a_form_that_nobody_touches_makes_the_very_same_picture(tmp_path: Path, wish: Json) -> None:
    """Everything that the file says is taken over, and nothing is added twice."""
    async with open_stage(tmp_path) as stage:
        made = await stage.answered(await stage.slash("generate", size="64x64", **wish))
        card = await stage.answered(await stage.menu("Inspect image", made))
        opened = await stage.press(card, "Use these settings")
        await stage.until(lambda: opened.form)
        assert "Everything is carried over. Free. V" in str(opened.form)
        again = await stage.answered(await stage.fill(opened))

        assert 2 == len(stage.pictures()), text_of(again)
        first, second = (inspect_image(data, trusted=STANDIN) for data in stage.pictures())
        assert list(map(_told, first.claims)) == list(map(_told, second.claims))
        assert Image.open(io.BytesIO(stage.pictures()[0])).tobytes() == (
            Image.open(io.BytesIO(stage.pictures()[1])).tobytes()
        )


def _told(claim: Claim) -> object:
    """All of it but V5's notes of which texts the client had ready: they stand in the prompt by now."""
    settings = {name: value for name, value in claim.settings.items() if not name.startswith("tag_hint_")}
    return replace(claim, settings=settings)


async def test_a_mistake_in_the_form_loses_nothing(tmp_path: Path) -> None:
    """It is answered privately, and [Open again] holds what was typed; somebody else's form stays theirs."""
    async with open_stage(tmp_path, judge=(judge := OpenApi())) as stage:
        card = await looked_at(stage, told(width=64, height=64))
        wrong = await stage.answered(
            await stage.fill(await stage.press(card, "Use these settings"), prompt="2girls", seed="x", size=["512x768"])
        )
        assert wording.SEED_UNKNOWN in text_of(wrong)
        stage.discord.world.shown[int(wrong["id"])].to = None
        await stage.answered(await stage.press(wrong, "Open again", by=lantern.BEN))
        assert "Only <@" in stage.private_words(lantern.BEN)[0]

        opened = await stage.press(wrong, "Open again")
        await stage.until(lambda: opened.form)
        held = {part["custom_id"]: part for part in walk(opened.form["components"]) if part.get("custom_id")}
        assert ("2girls", "x") == (held["prompt"]["value"], held["seed"]["value"])
        assert ["512x768"] == [each["value"] for each in held["size"]["options"] if each.get("default")]
        made = await stage.answered(await stage.fill(opened, seed="9"))
        assert "`2girls`" in text_of(made)
        assert "512×768 · seed 9" in text_of(made)
    assert [] == judge.wrong


async def test_a_form_passes_every_rule_and_the_price_is_asked(tmp_path: Path) -> None:
    """The path of `/generate`: words, the question, the place."""
    async with open_stage(tmp_path) as stage:
        card = await looked_at(stage, told(width=1088, height=1024, steps=1))
        question = await stage.answered(await stage.fill(await stage.press(card, "Use these settings")))
        assert "Spend 4 Anlas" in labels(question)
        assert [] == stage.pictures()
        await stage.answered(await stage.press(question, "Spend 4 Anlas"))
        assert 1 == len(stage.pictures())

        opened = await stage.press(card, "Use these settings")
        refused = await stage.answered(await stage.fill(opened, prompt="nsfw, 1girl"))
        assert ["Edit and resend"] == labels(refused)

        at = await stage.slash("inspect", at=lantern.GENERAL, image=upload(stage, told()))
        away = await stage.answered(at)
        await stage.answered(await stage.press(away, "Use these settings"))
        assert "I do not draw in" in stage.private_words()[0]


async def test_a_late_file_leads_to_a_button(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The press is acknowledged in time, and the form is one press away."""
    async with open_stage(tmp_path) as stage:
        monkeypatch.setattr(sys.modules["cogs.reuse"], "SOON", 0.0)
        card = await looked_at(stage, told(width=64, height=64))
        late = await stage.answered(await stage.press(card, "Use these settings"))
        assert ["Open the form"] == labels(late)

        made = await stage.answered(await stage.fill(await stage.press(late, "Open the form")))

        assert "seed 1234567" in text_of(made)


async def test_a_card_whose_file_is_gone_or_forged_says_so(tmp_path: Path) -> None:
    """Every button that reads it back."""
    async with open_stage(tmp_path) as stage:
        card = await looked_at(stage, STRIPPED)
        [url] = [part["file"]["url"] for part in walk(card["components"]) if part.get("file")]
        id_ = int(url.split("/")[5])
        for data in (b"", b"[]", b"{" * 1_000, b'{"images": [1]}', b'{"name": 1}', b"x" * 300_000, b'{"a":1,"a":2}'):
            stage.discord.world.blobs[id_] = Blob(METADATA, "application/json", data)
            for label in ("Use these settings", "Copy prompt", "Show to everyone", "Restored file"):
                await stage.answered(await stage.press(card, label))
                assert "too old" in stage.private_words()[0]


# --- showing it ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "place", "is_shown"),
    [
        ({"prompt": "1girl, smile"}, lantern.STUDIO, True),
        ({"prompt": "nsfw, 1girl"}, lantern.STUDIO, False),
        ({"prompt": "nsfw, 1girl"}, lantern.NIGHT_STUDIO, True),
        ({"prompt": "1girl", "uc": "nsfw, lowres"}, lantern.STUDIO, True),
        ({"prompt": "1girl", "uc": "-2::nsfw::"}, lantern.STUDIO, False),
        ({"prompt": "1girl", "uc": "gore"}, lantern.STUDIO, False),
        ({"prompt": "1girl", "sampler": "gore"}, lantern.STUDIO, False),
        ({"prompt": "loli, nude"}, lantern.NIGHT_STUDIO, False),
        ({"prompt": "1girl", "name": "gore.png"}, lantern.STUDIO, False),
    ],
)
async def test_every_text_passes_the_rules_before_everybody_sees_it(
    tmp_path: Path, texts: Json, place: int, is_shown: bool
) -> None:
    """The server's words, what is never made, and in safe places what asks for more; by button and by option."""
    async with open_stage(tmp_path, config=NIGHTLY) as stage:
        await stage.said("rules add", by=lantern.ADA, text="gore")
        for share in (False, True):
            name = texts.get("name", "a.png")
            options = {"image": upload(stage, told(**texts), name), "share": share}
            card = await stage.answered(await stage.slash("inspect", at=place, **options))
            if not share:
                await stage.answered(await stage.press(card, "Show to everyone"))
            public = [each for each in stage.discord.world.visible(lantern.BEN, place) if each.to is None]
            assert (1 + share if is_shown else 0) == len([each for each in public if not each.deleted])
        assert (wording.SHARE_REFUSED in stage.private_words()[0]) is not is_shown


async def test_a_shared_card_tells_nobody_where_the_image_lies(tmp_path: Path) -> None:
    """And has nothing on it that others could press."""
    async with open_stage(tmp_path) as stage:
        card = await looked_at(stage, STRIPPED)
        assert "url" in memory_of(stage, card)
        await stage.answered(await stage.press(card, "Show to everyone"))
        [shown] = [each for each in stage.discord.world.visible(lantern.BEN) if "1girl" in str(each.message)]

        assert ("url" in memory_of(stage, shown.message), labels(shown.message)) == (False, [])


# --- the restored file -----------------------------------------------------------------------------------------------


async def test_the_restored_file_is_the_same_picture_with_its_text(tmp_path: Path) -> None:
    """It reads as the alpha channel did; where the image is gone that is said, with what to do."""
    async with open_stage(tmp_path) as stage:
        card = await looked_at(stage, STRIPPED)
        assert wording.NOTE_RECOVERED in text_of(card)
        assert wording.INSPECT_SITES in text_of(card)
        answer = await stage.answered(await stage.press(card, "Restored file"))
        [file] = answer["attachments"]
        found = inspect_image(stage.discord.world.blobs[int(file["id"])].data)

        assert ("image-restored.png", ["png_text", "alpha"]) == (
            file["filename"],
            [claim.carrier.value for claim in found.claims],
        )
        assert Note.RECOVERED not in found.notes
        del stage.discord.world.blobs[int(memory_of(stage, card)["url"].split("/")[5])]
        await stage.answered(await stage.press(card, "Restored file"))
        assert wording.RESTORE_GONE == stage.private_words()[0]


async def test_v5_is_called_by_its_name(tmp_path: Path) -> None:
    """What it signs is an id."""
    async with open_stage(tmp_path) as stage:
        made = await stage.answered(
            await stage.slash("generate", prompt="1girl", model="nai-diffusion-5-full", size="64x64")
        )
        card = await stage.answered(await stage.menu("Inspect image", made))

        assert "**NovelAI Diffusion V5 Full** ·" in text_of(card)
