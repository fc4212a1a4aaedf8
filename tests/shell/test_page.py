"""The practice room's page: a real browser, the real bot, and the laws of ux.md 5, one test each."""

import asyncio
import hashlib
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from bot.adapters.room import Room
from bot.client import point_at
from bot.domain.guild import GuildConfig
from bot.standin.discord import Discord, lantern
from tests.shell.browser import CHROMIUM, NEEDS_CHROMIUM, Visitor, chromium, until, visiting
from tests.shell.room import ROOT
from tests.stage import STUDIO, Stage, open_stage
from tests.standin.sample_bot import playing
from tests.standin.sample_bot import point_at as point_sample_at

if CHROMIUM is None:
    pytest.skip(NEEDS_CHROMIUM, allow_module_level=True)

from playwright.async_api import Browser, Route, expect

pytestmark = pytest.mark.asyncio(loop_scope="module")

WISH = "/generate prompt:1girl, cherry blossoms, smile size:512x768"
"""Small, so that it is painted quickly."""
CONFIG = replace(STUDIO, pictures_day=1_000)
HOSTILE = "<script>alert(1)</script> @everyone ``` <img src=x onerror=alert(1)> ||x|| **b** [l](http://x.example)"


POOR_TEXTS = """() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const painted = (layers) => {
        canvas.clearRect(0, 0, 1, 1);
        for (const layer of layers) { canvas.fillStyle = layer; canvas.fillRect(0, 0, 1, 1); }
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
        .map((c) => (c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4))
        .reduce((sum, c, n) => sum + c * [.2126, .7152, .0722][n], 0);
    const behind = (e) => {
        const layers = [];
        for (let at = e; at; at = at.parentElement) layers.unshift(getComputedStyle(at).backgroundColor);
        return ['#fff', ...layers];
    };
    const seen = [...document.querySelectorAll('body *')].filter((e) => e.checkVisibility()
        && !e.closest('.unseen, .skip, :disabled, select'));
    const texts = seen.filter((e) => [...e.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
    const fields = seen.filter((e) => e.placeholder && !e.value);
    const all = [...texts.map((e) => [e, null]), ...fields.map((e) => [e, '::placeholder'])];
    return all.map(([e, part]) => {
        const { color } = getComputedStyle(e, part);
        const [a, b] = [light(painted(behind(e))), light(painted([...behind(e), color]))];
        return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.className, e.textContent.slice(0, 40)];
    }).filter(([ratio]) => ratio < 4.5);
}"""
"""Every visible text, and what stands in an empty field, with less than 4.5 between itself and what lies behind it."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all of them; each test has a window without a past."""
    async with chromium() as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def theatre(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """The real bot on both stand-ins, with a worker."""
    async with open_stage(tmp_path_factory.mktemp("house"), config=CONFIG) as made:
        made.discord.room.backstage.novelai = made.novelai
        telling = asyncio.create_task(Room(f"{made.discord.address}backstage", made.house.backstage.snapshot).run())
        yield made
        telling.cancel()


@pytest_asyncio.fixture(loop_scope="module")
async def stage(theatre: Stage) -> AsyncIterator[Stage]:
    """The same bot, in a room where nothing has been said yet."""
    # Where discord.py speaks to is one setting for the whole process, and another bot of this module may have had it.
    point_at(theatre.settings)
    _forget(theatre.discord)
    await theatre.house.services.guilds.save(lantern.LANTERN, CONFIG)
    yield theatre
    theatre.novelai.set_faults({})
    async with asyncio.timeout(20):
        while await theatre.house.store.waiting():
            await asyncio.sleep(0.02)


def _forget(service: Discord) -> None:
    service.world.shown.clear()
    service.interactions.by_id.clear()


@pytest_asyncio.fixture(loop_scope="module")
async def ann(stage: Stage, browser: Browser) -> AsyncIterator[Visitor]:
    """Ann, in a window on the real bot; whatever she does, the browser has nothing to complain of."""
    async with visiting(browser, stage.discord.address) as visitor:
        yield visitor
        assert [] == visitor.complaints
        assert [] == visitor.strangers()


@asynccontextmanager
async def _sample(browser: Browser, **discord: Any) -> AsyncIterator[tuple[Discord, Visitor]]:
    service = Discord(**discord)
    async with service.serve(), playing(service), visiting(browser, service.address) as visitor:
        yield service, visitor


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service() -> AsyncIterator[Discord]:
    """A room with a small bot that has every component, field and option."""
    made = Discord()
    async with made.serve(), playing(made):
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def sample(service: Discord, browser: Browser) -> AsyncIterator[Visitor]:
    """Ann before that bot, in a room where nothing has been said yet."""
    point_sample_at(service)
    _forget(service)
    async with visiting(browser, service.address) as visitor:
        yield visitor
        assert [] == visitor.complaints
        assert [] == visitor.strangers()


# --- the page --------------------------------------------------------------------------------------------------------


async def test_it_opens_quietly_and_asks_nobody_else(ann: Visitor) -> None:
    """Servers, people, five things to try, no word in the console, and no request off this machine."""
    names = await ann.page.locator("#servers [data-place] .name").all_text_contents()
    people = await ann.page.locator("#person option").all_text_contents()

    assert ["studio", "night-studio", "mod-log", "review", "general", "general", "Naibot"] == names
    assert ["Ann, member", "Ben, member", "Mia, moderator", "Ada, admin"] == people
    await expect(ann.page.get_by_text("nothing leaves this computer")).to_be_visible()
    assert ([], []) == (ann.complaints, ann.strangers())


async def test_every_control_has_a_name(ann: Visitor) -> None:
    """One h1, no id twice, no control without a name, targets of at least 32 pixels; with a picture and a card."""
    await ann.say(WISH)
    await ann.drawn(1)
    await ann.button("More…").click()
    await expect(ann.page.locator(".ephemeral .card")).to_be_visible()
    await ann.page.locator("#backstage summary").click()
    found = await ann.page.evaluate("""() => {
        const all = [...document.querySelectorAll('*')];
        const ids = all.map((e) => e.id).filter(Boolean);
        const controls = all.filter((e) => e.matches('button, a[href], input, select, textarea, summary')
            && e.checkVisibility() && !e.closest('.unseen, .skip'));
        const name = (e) => (e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent || '').trim();
        // What stands within a line is pressed by an area around it.
        const area = (e) => getComputedStyle(e, '::after');
        const box = (e) => e.matches('button.mention')
            ? {width: parseFloat(area(e).width), height: parseFloat(area(e).height)} : e.getBoundingClientRect();
        const size = (e) => Math.min(box(e).width, box(e).height);
        const isBox = (e) => e.matches('[type=checkbox]:not([role=switch]), [type=radio], .unseen');
        const small = (e) => size(e) < 32 && !isBox(e);
        return {
            h1: document.querySelectorAll('h1').length,
            twice: ids.filter((id, n) => ids.indexOf(id) !== n),
            nameless: controls.filter((e) => !name(e)).map((e) => e.outerHTML.slice(0, 120)),
            small: controls.filter(small).map((e) => e.outerHTML.slice(0, 120)),
            images: all.filter((e) => e.matches('img') && !e.hasAttribute('alt')).length,
            dangling: all.flatMap((e) => ['aria-labelledby', 'aria-describedby', 'aria-controls'].flatMap(
                (a) => (e.getAttribute(a) || '').split(' ').filter((id) => id && !document.getElementById(id)))),
            log: document.querySelector('[role=log]').getAttribute('aria-live'),
            lang: document.documentElement.lang,
        };
    }""")

    assert {
        "h1": 1, "twice": [], "nameless": [], "small": [], "images": 0, "dangling": [], "log": "polite", "lang": "en",
    } == found  # fmt: skip


@pytest.mark.parametrize(("width", "height"), [(360, 740), (640, 400)])
async def test_nothing_scrolls_sideways(stage: Stage, browser: Browser, width: int, height: int) -> None:
    """At 360 pixels, and at 200 % of 1280×800: with a picture, a card, options, a long word and the backstage."""
    async with visiting(browser, stage.discord.address, viewport={"width": width, "height": height}) as ann:
        await ann.say(f"/generate prompt:{'long' * 60} size:512x768")
        await ann.drawn(1)
        await ann.button("More…").click()
        await expect(ann.page.locator(".ephemeral .card")).to_be_visible()
        await ann.page.locator("#backstage summary").click()
        await ann.line.fill("/gen")
        await ann.line.press("Enter")
        await expect(ann.page.locator(".chip")).to_be_visible()

        sizes = await ann.page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
        assert sizes == [width, width]
        for part in ("#log", "main", "aside"):
            within = await ann.page.locator(part).evaluate("node => node.scrollWidth <= node.clientWidth")
            assert within, part


async def test_every_text_can_be_read(ann: Visitor) -> None:
    """A contrast of at least 4.5 between each text and what lies behind it, dark and light."""
    await ann.say(WISH)
    await ann.drawn(1)
    await ann.button("More…").click()
    await expect(ann.page.locator(".ephemeral .card")).to_be_visible()
    await ann.page.locator("#backstage summary").click()
    await expect(ann.line).to_have_attribute("placeholder", "Type / for a command")

    for scheme in ("light", "dark"):
        await ann.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert [] == await ann.page.evaluate(POOR_TEXTS), scheme


# --- a picture -------------------------------------------------------------------------------------------------------


async def test_the_first_thing_to_try_makes_a_picture(ann: Visitor) -> None:
    """Try 1 fills the message box, Enter sends: 832×1216 that decode, with alt text; the step is ticked."""
    await ann.page.get_by_role("button", name="Draw a picture").click()
    await expect(ann.option("prompt")).to_have_value("1girl, cherry blossoms, smile")
    await ann.press("Enter")

    await ann.drawn(1)
    size = await ann.pictures.evaluate("async (i) => { await i.decode(); return [i.naturalWidth, i.naturalHeight]; }")
    assert [832, 1216] == size
    assert "AI picture: 1girl, cherry blossoms, smile" == await ann.pictures.get_attribute("alt")
    await expect(ann.page.locator("#tour li.done")).to_have_count(1)
    assert await ann.is_focused(ann.line)


async def test_the_picture_is_the_very_file(ann: Visitor, stage: Stage) -> None:
    """What the browser got has the bytes of the file that the bot delivered."""
    await ann.say(WISH)
    await ann.drawn(1)
    async with ann.page.expect_download() as downloading:
        await ann.page.locator(".picture .open").click()
        await ann.page.get_by_role("dialog").get_by_role("link", name="Download").click()
    kept = await (await downloading.value).path()
    shown = await ann.pictures.evaluate(
        """async (i) => {
            const sum = await crypto.subtle.digest("SHA-256", await (await fetch(i.src)).arrayBuffer());
            return [...new Uint8Array(sum)];
        }"""
    )

    [made] = stage.pictures()
    assert (hashlib.sha256(made).digest(), made) == (bytes(shown), kept.read_bytes())
    assert re.fullmatch(r"\d+-\d+\.png", (await downloading.value).suggested_filename)


async def test_a_result_has_its_two_lines_and_its_row(ann: Visitor) -> None:
    """The prompt, then the settings as subtext; then the picture; then Reroll, More…, Delete in that order."""
    await ann.say("/generate prompt:1girl, cherry blossoms, smile seed:1234567")
    await ann.drawn(1)
    message = ann.messages.last

    assert "1girl, cherry blossoms, smile" == await message.locator(".text code").text_content()
    settings = await message.locator(".text .subtext").text_content()
    assert re.fullmatch(r"V3 · 832×1216 · seed 1234567 · free · \d+ left today · for @Ann", settings or "")
    labels = await message.locator(".buttons button").all_text_contents()
    assert ["🎲Reroll", "More…", "🗑️Delete"] == labels
    kinds = await message.locator(".body > *").evaluate_all("nodes => nodes.map((node) => node.className)")
    assert ["text", "picture", "buttons"] == kinds


async def test_who_asked_for_what_stands_over_it(ann: Visitor) -> None:
    """Ann used /generate; the options are there on hover and on focus."""
    await ann.say(f"{WISH} steps:20")
    await ann.drawn(1)
    header = ann.page.locator(".asked")
    tip = header.get_by_role("tooltip")

    await expect(header).to_contain_text("Ann used /generate")
    await ann.page.mouse.move(2, 2)
    await expect(tip).to_be_hidden()
    await header.locator(".more").focus()
    await expect(tip).to_be_visible()
    assert ["prompt: 1girl, cherry blossoms, smile", "size: 512x768", "steps: 20"] == await tip.locator(
        ".pair"
    ).all_text_contents()
    await ann.line.focus()
    await expect(tip).to_be_hidden()
    await header.locator(".more").hover()
    await expect(tip).to_be_visible()


def _seeds(texts: list[str]) -> set[str]:
    return {match[1] for text in texts if (match := re.search(r"seed (\d+)", text))}


async def test_reroll_adds_a_picture_with_another_seed(ann: Visitor) -> None:
    """A second message, and the first one stays."""
    await ann.say(WISH)
    await ann.drawn(1)
    await ann.button("Reroll").click()

    await ann.drawn(2)
    assert 2 == len(_seeds(await ann.page.locator(".subtext").all_text_contents()))


async def test_a_double_click_adds_one(ann: Visitor, stage: Stage) -> None:
    """Both presses are sent; one picture comes."""
    await ann.say(WISH)
    await ann.drawn(1)
    before = len(stage.discord.interactions.by_id)
    await ann.button("Reroll").dblclick()

    await ann.drawn(2)
    await until(lambda: all(each.acknowledged for each in stage.discord.interactions.by_id.values()))
    assert 2 == len(stage.discord.interactions.by_id) - before
    await expect(ann.page.locator(".thinking")).to_have_count(0)
    await ann.drawn(2)
    assert 2 == len(stage.pictures())


async def test_delete_removes_it_for_ben_too(ann: Visitor, stage: Stage, browser: Browser) -> None:
    """Ben sees the picture come and go without doing anything."""
    async with visiting(browser, stage.discord.address) as ben:
        await ben.become("Ben, member")
        await ann.say(WISH)
        await ben.drawn(1)
        await ann.button("Delete").click()

        await expect(ben.messages).to_have_count(0)
        await expect(ann.pictures).to_have_count(0)
        await expect(ann.page.locator(".ephemeral").filter(has_text="Deleted")).to_have_count(1)


@pytest.mark.parametrize("way", ["right-click", "Shift+F10", "dots"])
async def test_inspect_says_who_signed_it(ann: Visitor, way: str) -> None:
    """By each way to the menu: the card says who signed it, and what that proves; the focus comes back."""
    await ann.say(WISH)
    await ann.drawn(1)
    opener = ann.page.locator(".picture .open")
    if way == "right-click":
        await opener.click(button="right")
    elif way == "Shift+F10":
        await opener.focus()
        await ann.press("Shift+F10")
    else:
        opener = ann.page.get_by_role("button", name="Apps for this message")
        await opener.focus()
        await ann.press("Enter")
    await expect(ann.page.get_by_role("menuitem", name="Inspect image")).to_be_focused()
    if way != "right-click":
        await ann.press("Escape")
        await expect(ann.page.get_by_role("menu")).to_have_count(0)
        await expect(opener).to_be_focused()
        await ann.press("Shift+F10")
    await ann.press("Enter")

    card = ann.page.locator(".ephemeral .card")
    await expect(card).to_contain_text("Signed by the stand-in, unchanged")
    await expect(card).to_contain_text("This proves nothing outside the practice room.")
    await expect(card.locator(".file")).to_contain_text("metadata.json")


async def test_a_picture_is_looked_at_and_put_away_by_keyboard(ann: Visitor) -> None:
    """Enter opens the viewer with the alt text, the original and a download; Esc closes it; the focus is back."""
    await ann.say(WISH)
    await ann.drawn(1)
    opener = ann.page.locator(".picture .open")
    shown = await ann.pictures.bounding_box()
    assert shown is not None
    assert max(shown["width"], shown["height"]) <= 400
    await opener.focus()
    await ann.press("Enter")

    viewer = ann.page.get_by_role("dialog")
    await expect(viewer.get_by_role("img")).to_have_attribute("alt", "AI picture: 1girl, cherry blossoms, smile")
    await expect(viewer.locator(".alt")).to_have_text("AI picture: 1girl, cherry blossoms, smile")
    original = viewer.get_by_role("link", name="Open original")
    assert "noopener noreferrer" == await original.get_attribute("rel")
    await ann.press("Escape")
    await expect(viewer).to_have_count(0)
    await expect(opener).to_be_focused()


async def test_a_spoiler_is_a_button_and_no_picture(ann: Visitor) -> None:
    """Nothing of it is fetched before somebody asks; then it is there, and stays over an edit."""
    await ann.say(f"{WISH} spoiler:true")
    show = ann.button("Spoiler: show")
    await expect(show).to_be_visible()
    assert not [url for url in ann.asked if "attachments/" in url]
    await show.focus()
    await ann.press("Enter")

    await ann.drawn(1)
    assert "AI picture, hidden" == await ann.pictures.get_attribute("alt")
    assert "true" == await ann.pictures.evaluate("async (i) => { await i.decode(); return 'true'; }")


async def test_hostile_words_are_text(ann: Visitor) -> None:
    """Markup, mentions, fences and links of a prompt are shown as they were typed, in every place that shows them."""
    await ann.say(f"/generate prompt:{HOSTILE} size:512x768")
    await ann.drawn(1)
    await ann.button("More…").click()
    await expect(ann.page.locator(".ephemeral .card pre").first).to_contain_text("<script>alert(1)</script> @everyone")
    await ann.page.locator(".picture .open").click()

    await expect(ann.page.locator("#viewer .alt")).to_contain_text("<img src=x onerror=alert(1)>")
    assert "<script>alert(1)</script> @everyone ˋˋˋ" in (
        await ann.page.locator(".text > p > code").first.text_content() or ""
    )
    assert HOSTILE in (await ann.page.locator(".pair span").first.text_content() or "")
    assert 1 == await ann.page.locator("script").count()
    assert 0 == await ann.page.locator("#log strong", has_text="b").filter(has_text=re.compile("^b$")).count()
    assert 0 == await ann.page.locator('#log a[href*="x.example"]').count()
    assert 0 == await ann.page.locator("#log .mention", has_text="everyone").count()


async def test_a_fault_charges_nothing(ann: Visitor, stage: Stage) -> None:
    """A fault that is switched on backstage: NovelAI could not finish it; the count of pictures left is unchanged."""
    await ann.say(WISH)
    await ann.drawn(1)
    await ann.page.locator("#backstage summary").click()
    await ann.page.get_by_role("switch", name=re.compile("^503")).check()
    await until(lambda: "503" in stage.novelai.state()["faults"])
    await ann.say(WISH)

    await expect(ann.messages.last).to_contain_text("NovelAI could not finish this one. Nothing was charged.")
    await expect(ann.page.locator("#inside")).to_contain_text("503 · billed 0")
    await ann.page.get_by_role("switch", name=re.compile("^503")).uncheck()
    await until(lambda: not stage.novelai.state()["faults"])
    await ann.say(WISH)
    await ann.drawn(2)
    left = [re.search(r"(\d+) left today", text) for text in await ann.page.locator(".subtext").all_text_contents()]
    first, second = (int(match[1]) for match in left if match)
    assert 1 == first - second


async def test_a_reload_keeps_what_was_said(ann: Visitor) -> None:
    """Messages, in their order, and those that only Ann sees; what she dismissed stays away."""
    await ann.say(WISH)
    await ann.drawn(1)
    await ann.button("More…").click()
    await expect(ann.page.locator(".ephemeral")).to_have_count(1)
    await ann.button("More…").click()
    await expect(ann.page.locator(".ephemeral")).to_have_count(2)
    await ann.page.locator(".ephemeral").first.get_by_role("button", name="Dismiss").click()
    await expect(ann.page.locator(".ephemeral")).to_have_count(1)
    before = await ann.messages.evaluate_all("nodes => nodes.map((node) => node.dataset.id)")
    await ann.page.reload()

    await ann.drawn(1)
    await expect(ann.messages).to_have_count(2)
    assert before == await ann.messages.evaluate_all("nodes => nodes.map((node) => node.dataset.id)")


async def test_a_private_answer_is_nobody_elses(ann: Visitor) -> None:
    """It is marked as Ann's; gone from the page when she becomes Ben; back when she is Ann again."""
    await ann.say("/generate prompt:1girl size:1000x1000")
    private = ann.page.locator(".ephemeral")
    await expect(private).to_contain_text("Only Ann can see this")
    words = (await private.locator(".text").text_content() or "")[:40]
    border = await private.evaluate("node => getComputedStyle(node).borderStyle")
    await ann.become("Ben, member")
    await expect(private).to_have_count(0)

    assert "dashed" == border
    assert words not in await ann.page.content()
    await ann.become("Ann, member")
    await expect(private).to_contain_text(words)
    await private.get_by_role("button", name="Dismiss").click()
    await expect(private).to_have_count(0)


async def test_what_another_does_appears_at_once(ann: Visitor, stage: Stage) -> None:
    """A command from elsewhere, as a terminal would give it, needs no reload; a mention of a channel leads there."""
    await stage.slash("generate", prompt="1girl, river")
    await ann.drawn(1)
    await ann.page.locator("[data-place=general]").click()
    await expect(ann.messages).to_have_count(0)
    await ann.say(WISH)
    await expect(ann.page.locator(".ephemeral")).to_contain_text("I do not draw in #general")
    await ann.page.locator(".ephemeral button.mention", has_text="#studio").click()

    await expect(ann.page.locator("#here")).to_have_text("#studio")
    await ann.drawn(1)


async def test_the_tour_leads_by_the_hand(ann: Visitor) -> None:
    """Without a picture it says so; with one it puts the focus on Reroll, then Delete, opens the menu, and ticks."""
    step = ann.page.get_by_role("button", name="Press Reroll under the picture")
    await step.click()
    await expect(ann.page.locator("#told")).to_contain_text("needs a picture")
    await ann.say(WISH)
    await ann.drawn(1)
    await step.click()
    await expect(ann.button("Reroll")).to_be_focused()
    await ann.press("Enter")
    await ann.drawn(2)
    await step.click()
    await expect(ann.button("Delete")).to_be_focused()
    await ann.press("Enter")
    await ann.drawn(1)
    await ann.page.get_by_role("button", name="Right-click a picture").click()
    await expect(ann.page.get_by_role("menuitem", name="Inspect image")).to_be_focused()
    await ann.press("Enter")

    await expect(ann.page.locator("#tour li.done")).to_have_count(3)


# --- by keyboard alone -----------------------------------------------------------------------------------------------


async def test_the_keys_of_the_page(ann: Visitor) -> None:
    """/ goes to the message box and opens the list; Esc closes it; Alt with arrows changes the channel."""
    await ann.page.locator("#person").focus()
    await ann.line.focus()
    await ann.log.focus()
    await ann.press("/")
    await expect(ann.line).to_be_focused()
    await expect(ann.line).to_have_value("/")
    await expect(ann.entries.first).to_have_attribute("aria-selected", "true")
    active = await ann.line.get_attribute("aria-activedescendant")
    assert active == await ann.entries.first.get_attribute("id")
    await ann.press("ArrowDown")
    assert active != await ann.line.get_attribute("aria-activedescendant")
    await ann.press("Escape")
    await expect(ann.entries).to_have_count(0)
    await ann.press("Alt+ArrowDown")
    await expect(ann.page.locator("#here")).to_have_text("#night-studio")
    await ann.press("Alt+ArrowUp", "Alt+ArrowUp")

    await expect(ann.page.locator("#here")).to_have_text("Naibot")


async def test_a_command_with_options_by_keyboard_alone(ann: Visitor) -> None:
    """List, required option, + options, autocomplete from the bot, Enter."""
    await ann.line.focus()
    await ann.type("/gen")
    await ann.press("Tab")
    await expect(ann.option("prompt")).to_be_focused()
    await ann.type("1girl, rain")
    await ann.press("Tab")
    await ann.type("siz")
    await expect(ann.entries).to_have_count(1)
    await ann.press("Enter")
    await expect(ann.option("size")).to_be_focused()
    await ann.type("lands")
    await expect(ann.entries.first).to_contain_text("Landscape 1216×832 · free")
    await ann.press("ArrowDown", "Enter")
    await expect(ann.option("size")).to_have_value("1216x832")
    await ann.press("Enter")

    await ann.drawn(1)
    await expect(ann.messages.last).to_contain_text("1216×832")


async def test_a_file_by_keyboard_picker_drop_and_paste(ann: Visitor, tmp_path: Path) -> None:
    """Enter on its button opens the picker; a dropped and a pasted file go to the option; with thumbnail and size."""
    image = tmp_path / "in.png"
    Image.new("RGB", (80, 60), (200, 80, 20)).save(image)
    await ann.line.focus()
    await ann.type("/insp")
    await ann.press("Enter")
    choose = ann.page.get_by_role("button", name="Choose a file: image")
    await expect(choose).to_be_focused()
    await ann.press("Enter")
    await until(lambda: ann.choosers)
    await ann.choosers[0].set_files(image)
    chip = ann.page.locator(".chip .file")
    await expect(chip).to_contain_text("in.png")
    await expect(chip).to_contain_text("bytes")
    await expect(chip.locator("img")).to_be_visible()
    for event in ("drop", "paste"):
        await chip.get_by_role("button", name="Take in.png away").click()
        await expect(chip).to_have_count(0)
        await _bring(ann, event, image.read_bytes())
        await expect(chip).to_contain_text("in.png")
    await expect(ann.page.get_by_role("button", name="Send")).to_be_focused()
    await ann.press("Enter")

    await expect(ann.page.locator(".ephemeral .card")).to_contain_text("Nothing found")


async def test_an_image_is_posted_and_a_reaction_pressed(ann: Visitor, stage: Stage, tmp_path: Path) -> None:
    """By keyboard: picked, posted with what was written, by Ann and not by an app; pressed, counted, taken back."""
    image = tmp_path / "in.png"
    Image.new("RGB", (80, 60), (200, 80, 20)).save(image)
    await ann.line.fill("look at this")
    await ann.tab_to(ann.page.get_by_role("button", name="Image: post one here"))
    await ann.press("Enter")
    await until(lambda: ann.choosers)
    await ann.choosers[0].set_files(image)
    await expect(ann.pictures).to_have_count(1)
    await expect(ann.messages).to_contain_text("look at this")
    await expect(ann.messages.locator(".author strong")).to_have_text("Ann")
    await expect(ann.messages.locator(".author .badge")).to_have_count(0)
    await expect(ann.line).to_have_value("")
    [shown] = stage.discord.world.newest(lantern.STUDIO)
    stage.discord.world.react(int(shown.message["id"]), lantern.APPLICATION, "🔎")
    glass = ann.page.get_by_role("button", name="Reaction 🔎")
    await expect(glass).to_have_text("🔎 1")
    await ann.tab_to(glass, "Shift+Tab")
    for pressed, text in ((True, "🔎 2"), (False, "🔎 1")):
        await ann.press("Enter")
        await expect(glass).to_have_text(text)
        await expect(glass).to_have_attribute("aria-pressed", str(pressed).lower())
        await expect(glass).to_be_focused()


async def _bring(visitor: Visitor, event: str, data: bytes) -> None:
    """Drop or paste a file, as a browser tells a page of it."""
    await visitor.page.locator("#chips").evaluate(
        """(node, [event, data]) => {
            const given = new DataTransfer();
            given.items.add(new File([new Uint8Array(data)], "in.png", { type: "image/png" }));
            node.dispatchEvent(event === "drop"
                ? new DragEvent("drop", { dataTransfer: given, bubbles: true, cancelable: true })
                : new ClipboardEvent("paste", { clipboardData: given, bubbles: true, cancelable: true }));
        }""",
        [event, list(data)],
    )


async def test_a_form_by_keyboard_alone(ann: Visitor, stage: Stage) -> None:
    """A moderator deletes with a reason: what is missing is said beside the field, Esc keeps the text, Enter sends."""
    await ann.say(WISH)
    await ann.drawn(1)
    await ann.become("Mia, moderator")
    delete = ann.button("Delete")
    await ann.tab_to(delete)
    await ann.press("Enter")
    form = ann.page.get_by_role("dialog", name="Delete this picture")
    reason = form.get_by_label("Reason")
    await expect(reason).to_be_focused()
    await ann.press("Tab", "Tab", "Enter")
    await expect(form.get_by_role("alert").first).to_have_text("This needs an answer.")
    await expect(reason).to_be_focused()
    await expect(reason).to_have_attribute("aria-invalid", "true")
    await ann.type("too bright")
    await expect(form).to_contain_text("10 of 300")
    await ann.press("Escape")
    await expect(form).to_have_count(0)
    await expect(delete).to_be_focused()
    await ann.press("Enter")
    await expect(reason).to_have_value("too bright")
    await ann.press("Tab", "Tab", "Enter")

    await expect(ann.pictures).to_have_count(0)
    await expect(ann.page.locator(".ephemeral")).to_contain_text("put on record")


# --- what was found in a review --------------------------------------------------------------------------------------


@asynccontextmanager
async def _held(visitor: Visitor, path: str) -> AsyncIterator[list[str]]:
    """Keep what is asked of *path* waiting until the end of the block; the bodies of what was asked."""
    asked: list[str] = []
    go_on = asyncio.Event()

    async def hold(route: Route) -> None:
        asked.append(route.request.post_data or "")
        await go_on.wait()
        await route.continue_()

    await visitor.page.route(path, hold)
    try:
        yield asked
    finally:
        go_on.set()
        await visitor.page.unroute_all(behavior="wait")


async def _add(visitor: Visitor, name: str) -> None:
    """Add an option to the command that stands in the composer, by its name."""
    await visitor.page.get_by_label("Add an option").fill(name)
    await visitor.press("Enter")
    await expect(visitor.option(name)).to_be_focused()


async def test_a_role_list_has_the_roles_of_its_server(sample: Visitor) -> None:
    """In each server those of that server, and none of another."""

    async def told(route: Route) -> None:
        answer = await route.fetch()
        world = await answer.json()
        for server, name in zip(world["servers"], ("Artists", "Guests"), strict=True):
            server["roles"] = [{"id": str(77 + len(name)), "name": name}]
        await route.fulfill(response=answer, json=world)

    await sample.page.route("**/world?*", told)
    await sample.page.reload()
    for place, role in (("studio", "@Artists"), ("New server/general", "@Guests")):
        await sample.page.locator(f'[data-place="{place}"]').click()
        await expect(sample.page.locator(f'[data-place="{place}"]')).to_have_attribute("aria-current", "page")
        await sample.paste("/options mood:Storm")
        await _add(sample, "role")
        await sample.press("ArrowDown")
        await expect(sample.entries).to_have_text([role])
        await sample.page.get_by_role("button", name="Take /options away").click()
    await sample.page.unroute_all(behavior="wait")


async def test_a_room_that_fails_is_not_a_bot_that_is_away(sample: Visitor) -> None:
    """A failure of the room itself is told as what was not possible; what was typed is there again."""

    async def fail(route: Route) -> None:
        await route.fulfill(status=500, body="500 Internal Server Error")

    await sample.page.route("**/line", fail)
    await sample.say("/noop")
    await expect(sample.page.locator("#trouble")).to_have_text("Not sent: that is not there any more, or not for you.")
    await expect(sample.line).to_have_value("/noop")
    await expect(sample.page.locator(".note")).to_have_count(0)
    await sample.page.unroute_all(behavior="wait")
    sample.complaints.clear()


async def test_what_is_pressed_stays_where_it_is(sample: Visitor) -> None:
    """A button of an older message is where it was when its answer has come; a button leads to the answer."""
    await sample.say("/parts")
    side = sample.page.locator(".message").first.get_by_role("button", name="Side")
    await side.wait_for()
    for word in ("one", "two"):
        await sample.say(f"/echo text:{word}")
        await expect(sample.messages.last).to_contain_text(word)
    await side.scroll_into_view_if_needed()
    before = await side.bounding_box()
    await side.click()
    await expect(sample.messages.last).to_contain_text("pressed Side")

    newest = sample.page.get_by_role("button", name="Newest messages")
    await expect(newest).to_be_visible()
    await expect(side).to_be_in_viewport()
    assert before == await side.bounding_box()
    await newest.click()
    await expect(sample.messages.last).to_be_in_viewport()


async def test_a_line_is_sent_once_and_nothing_typed_is_lost(sample: Visitor) -> None:
    """Two clicks on Send are one post; what is typed before the answer stays, and what is refused comes back."""
    async with _held(sample, "**/line") as asked:
        await sample.line.fill("/echo text:once")
        await sample.page.get_by_role("button", name="Send").dblclick()
        await until(lambda: asked)
        await sample.type("hello")
        await sample.press("Home")
    await expect(sample.messages.last).to_contain_text("once")
    await expect(sample.line).to_have_value("hello")
    assert 1 == len(asked)
    async with _held(sample, "**/line") as asked:
        await sample.press("Enter", "Enter")
        await until(lambda: asked)
        await sample.type(" there")

    await expect(sample.page.locator("#trouble")).to_contain_text("Not sent: only commands are heard here")
    await expect(sample.line).to_have_value("hello there")
    assert 1 == len(asked)


async def test_options_that_are_refused_come_back(sample: Visitor) -> None:
    """Two Enters are one post; the options stand there again with what they held."""
    await sample.paste("/options mood:Storm")
    await _add(sample, "many")
    await sample.type("9")
    async with _held(sample, "**/line") as asked:
        await sample.press("Enter", "Enter")
        await until(lambda: asked)

    await expect(sample.page.locator("#trouble")).to_have_text("Not sent: many goes from 1 to 5.")
    await expect(sample.option("many")).to_be_focused()
    await expect(sample.option("many")).to_have_value("9")
    await expect(sample.option("mood")).to_have_value("Storm")
    assert 1 == len(asked)


async def test_a_form_is_sent_once(sample: Visitor) -> None:
    """Two Enters on Submit are one post, and the button says that it waits."""
    await sample.say("/fields")
    form = sample.page.get_by_role("dialog", name="Every field")
    await expect(form.get_by_label("Name")).to_be_focused()
    await sample.type("abc")
    await sample.press("Tab", "Space", "Tab", "Space")
    async with _held(sample, "**/act") as asked:
        await form.get_by_role("button", name="Submit").focus()
        await sample.press("Enter", "Enter")
        await until(lambda: asked)
        await expect(form.get_by_role("button", name="Submit")).to_have_attribute("aria-disabled", "true")

    await expect(sample.page.locator(".ephemeral")).to_have_count(1)
    assert 1 == len(asked)


async def test_a_file_with_tab_and_enter_only(ann: Visitor, tmp_path: Path) -> None:
    """The focus goes on from the button that is gone: Enter sends, and Shift+Tab reaches the way to take it out."""
    image = tmp_path / "in.png"
    Image.new("RGB", (80, 60), (200, 80, 20)).save(image)
    await ann.type("/insp")
    await ann.press("Enter", "Enter")
    await until(lambda: ann.choosers)
    await ann.choosers[0].set_files(image)
    send = ann.page.get_by_role("button", name="Send")
    away = ann.page.get_by_role("button", name="Take in.png away")
    await expect(send).to_be_focused()
    await ann.press("Shift+Tab")
    if await ann.page.locator(".adder").count():
        await ann.press("Shift+Tab")
    await expect(away).to_be_focused()
    await ann.press("Tab")
    if await ann.page.locator(".adder").count():
        await ann.press("Tab")
    await ann.press("Enter")

    await expect(ann.page.locator(".ephemeral .card")).to_contain_text("Nothing found")


async def test_a_file_of_a_form_keeps_the_focus(sample: Visitor, tmp_path: Path) -> None:
    """When its last place is taken the focus is on the way to take it out, and a file too many is named."""
    names = [tmp_path / f"{n}.txt" for n in range(3)]
    for each in names:
        each.write_text("x")
    await sample.say("/choices")
    form = sample.page.get_by_role("dialog", name="Every choice")
    await expect(form.get_by_label("Words")).to_be_focused()
    await sample.press(*["Tab"] * 4)
    await expect(form.get_by_role("button", name="Choose a file: Files")).to_be_focused()
    await sample.press("Enter")
    await until(lambda: sample.choosers)
    await sample.choosers[0].set_files(names)

    await expect(form.locator(".file")).to_have_count(2)
    await expect(form.get_by_role("button", name="Take 1.txt away")).to_be_focused()
    await expect(form.locator(".filebox .trouble")).to_have_text("Not taken, because no more fit: 2.txt.")


HIDEABLE = """
    Object.defineProperty(Document.prototype, "hidden", { get() { return globalThis.isAway === true; } });
"""
SHOW = """(isAway) => { globalThis.isAway = isAway; document.dispatchEvent(new Event("visibilitychange")); }"""


async def test_windows_that_nobody_looks_at_hold_nothing_up(service: Discord, sample: Visitor) -> None:
    """A browser asks a host six things at a time: the seventh window works, and the first catches up when shown."""
    await sample.page.add_init_script(HIDEABLE)
    await sample.page.reload()
    await sample.say("/echo text:before")
    await expect(sample.messages).to_have_count(1)
    await sample.page.evaluate(SHOW, True)
    others = []
    for _ in range(6):
        page = await sample.page.context.new_page()
        await page.add_init_script(HIDEABLE)
        await page.goto(service.address)
        await expect(page.locator(".message").first).to_contain_text("before")
        await page.evaluate(SHOW, True)
        others.append(page)
    await others[-1].evaluate(SHOW, False)
    await Visitor(others[-1]).say("/echo text:after")
    await expect(others[-1].locator(".message")).to_have_count(2)
    await expect(sample.messages).to_have_count(1)
    await sample.page.evaluate(SHOW, False)

    await expect(sample.messages.last).to_contain_text("after")
    last = [url for url in sample.asked if "/feed?" in url][-1]
    assert not last.endswith("since=0")


HEARD = """() => {
    globalThis.heard = { log: [], status: [] };
    const log = document.querySelector("#log");
    new MutationObserver((changes) => {
        if (log.getAttribute("aria-busy") === "true") return;
        for (const node of changes.flatMap((each) => [...each.addedNodes])) {
            const element = node.nodeType === 1 ? node : node.parentElement;
            if (element?.closest("[aria-live]") === log && node.textContent) heard.log.push(node.textContent);
        }
    }).observe(log, { childList: true, subtree: true });
    new MutationObserver(() => {
        const text = document.querySelector("#status").textContent;
        if (text) heard.status.push(text);
    }).observe(document.querySelector("#status"), { childList: true, characterData: true });
}"""
"""Notes what a screen reader would be told: what is added to the log and is not quiet, and the status."""


async def test_a_message_is_told_once(ann: Visitor) -> None:
    """An edit adds nothing to what the log tells; a deferred private answer is told when it has come."""
    await ann.say(WISH)
    await ann.drawn(1)
    await expect(ann.log).to_have_attribute("aria-busy", "false")
    await ann.page.evaluate(HEARD)
    await ann.page.get_by_role("button", name="Apps for this message").focus()
    await ann.press("Enter")
    await ann.page.get_by_role("menuitem", name="Inspect image").press("Enter")
    await expect(ann.page.locator(".ephemeral .card")).to_contain_text("Signed by the stand-in")
    await expect(ann.page.locator("#status")).to_contain_text("Signed by the stand-in")
    await ann.button("Reroll").click()
    await ann.drawn(2)
    await expect(ann.page.locator("#status")).to_contain_text("A picture has arrived")

    heard = await ann.page.evaluate("() => heard")
    told = [text for text in heard["log"] if "Naibot" in text]
    assert 2 == len(told), heard
    assert 1 == sum("Only Ann can see this" in text for text in heard["log"]), heard
    assert 1 == sum("Signed by" in text for text in heard["status"]), heard


async def test_a_switch_looks_like_one(ann: Visitor) -> None:
    """It is wider than high, large enough to hit, its thumb is not over its name, and it moves when it is on."""
    await ann.page.locator("#backstage summary").click()
    switch = ann.page.get_by_role("switch", name=re.compile("^503"))
    box = await switch.bounding_box()
    name = await ann.page.locator("label", has_text=re.compile("^503")).bounding_box()
    assert box is not None
    assert name is not None
    moved = "node => getComputedStyle(node, '::after').translate"
    off = await switch.evaluate(moved)
    await switch.check()

    assert box["width"] > box["height"] >= 32
    assert box["x"] + box["width"] <= name["x"]
    await expect(switch).to_be_checked()
    assert off != await switch.evaluate(moved)
    await switch.uncheck()


async def test_a_mention_is_large_enough_to_hit(ann: Visitor) -> None:
    """Sixteen pixels above and below its middle still press it, and its line is no higher for it."""
    await ann.page.locator("[data-place=general]").click()
    await ann.say(WISH)
    mention = ann.page.locator(".ephemeral button.mention", has_text="#studio")
    hit = await mention.evaluate(
        """(node) => {
            const { x, y, width, height } = node.getBoundingClientRect();
            const at = (by) => document.elementFromPoint(x + width / 2, y + height / 2 + by) === node;
            return [at(-15.5), at(0), at(15.5), height < 30];
        }"""
    )

    assert [True] * 4 == hit


async def test_two_faults_at_once(ann: Visitor, stage: Stage) -> None:
    """A switch changes its own fault only, also when two are turned before the room has answered."""
    await ann.page.locator("#backstage summary").click()
    await ann.page.get_by_role("switch", name=re.compile("^503")).wait_for()
    await ann.page.locator("#inside").evaluate(
        """() => { for (const name of ["503", "429"]) document.querySelector(`#fault-${name}`).click(); }"""
    )

    await until(lambda: {"503", "429"} <= set(stage.novelai.state()["faults"]))
    await ann.page.get_by_role("switch", name=re.compile("^429")).uncheck()
    await until(lambda: ["503"] == list(stage.novelai.state()["faults"]))


async def test_the_focus_comes_back_to_a_card_that_was_built_anew(ann: Visitor, stage: Stage) -> None:
    """Ada closes a form whose panel was drawn again behind it: the button that opened it has the focus."""
    await ann.become("Ada, admin")
    await ann.say("/config")
    panel = ann.page.locator(".ephemeral")
    group = panel.get_by_role("combobox", name="Places")
    await group.focus()
    await ann.press("ArrowDown", "l", "ArrowDown", "ArrowUp", "Enter")
    opener = panel.locator(".section", has_text="at once").get_by_role("button", name="Change").first
    await opener.wait_for()
    await opener.focus()
    await ann.press("Enter")
    form = ann.page.get_by_role("dialog")
    await form.wait_for()
    await panel.locator(".body").evaluate(
        "(body) => body.replaceChildren(...[...body.childNodes].map((n) => n.cloneNode(true)))"
    )
    await ann.press("Escape")

    await expect(form).to_have_count(0)
    await expect(opener).to_be_focused()


async def test_where_one_writes_is_where_the_focus_goes(ann: Visitor) -> None:
    """While options are open: the skip link and Dismiss lead to them, and not to the hidden message box."""
    await ann.say("/generate prompt:1girl size:1000x1000")
    away = ann.page.locator(".ephemeral").get_by_role("button", name="Dismiss")
    await away.wait_for()
    await ann.line.fill("/gen")
    await ann.press("Enter")
    await expect(ann.option("prompt")).to_be_focused()
    await away.focus()
    await ann.press("Enter")
    await expect(ann.option("prompt")).to_be_focused()
    await ann.page.get_by_role("link", name="Skip to the message box").focus()
    await ann.press("Enter")

    await expect(ann.option("prompt")).to_be_focused()


async def test_a_form_opens_for_who_asked_for_it_only(sample: Visitor) -> None:
    """Who becomes somebody else before the form comes does not get it."""
    async with _held(sample, "**/interactions/*") as asked:
        await sample.say("/fields")
        await until(lambda: asked)
        await sample.become("Ben, member")
        await expect(sample.page.locator("#status")).to_have_text("You are Ben now.")
    await sample.say("/noop")
    await expect(sample.messages.last).to_contain_text("ok")

    await expect(sample.page.get_by_role("dialog")).to_have_count(0)


async def test_a_long_prompt_is_shown_whole(ann: Visitor) -> None:
    """A pasted prompt of several lines is as high as its text, up to the height at which it scrolls."""
    await ann.paste(f"/generate prompt:{'cherry blossoms, ' * 9}smile")
    prompt = ann.option("prompt")
    await expect(prompt).to_have_value(re.compile("smile$"))
    shown, text, line = await prompt.evaluate(
        "(node) => [node.clientHeight, node.scrollHeight, parseFloat(getComputedStyle(node).lineHeight)]"
    )

    assert text > 3 * line
    assert shown >= text - 1


async def test_the_arrows_belong_to_what_is_open(ann: Visitor) -> None:
    """Alt with arrows changes no channel in the list of people, in a dialog and in a menu."""
    await ann.say(WISH)
    await ann.drawn(1)
    here = ann.page.locator("#here")
    await ann.page.locator("#person").focus()
    await ann.press("Alt+ArrowDown", "Escape")
    await expect(here).to_have_text("#studio")
    await ann.page.get_by_role("button", name="Apps for this message").focus()
    await ann.press("Enter")
    await expect(ann.page.get_by_role("menuitem", name="Inspect image")).to_be_focused()
    await ann.press("Alt+ArrowDown", "Escape")
    await ann.page.locator(".picture .open").focus()
    await ann.press("Enter")
    await ann.page.get_by_role("dialog").wait_for()
    await ann.press("Alt+ArrowDown", "Escape")
    await expect(here).to_have_text("#studio")
    await ann.press("Alt+ArrowDown")

    await expect(here).to_have_text("#night-studio")


async def test_a_reload_keeps_who_and_where_one_is(ann: Visitor) -> None:
    """The person and the place; a room that does not know them starts as it does for a stranger."""
    await ann.become("Mia, moderator")
    await ann.page.locator("[data-place=mod-log]").click()
    await expect(ann.page.locator("#here")).to_have_text("#mod-log")
    await ann.page.reload()
    await expect(ann.page.get_by_label("You are:")).to_have_value("moderator")
    await expect(ann.page.locator("#here")).to_have_text("#mod-log")
    await ann.page.evaluate("() => sessionStorage.setItem('where', JSON.stringify({ person: 'x', place: 'y' }))")
    await ann.page.reload()

    await expect(ann.page.locator("#here")).to_have_text("#studio")
    await expect(ann.page.get_by_label("You are:")).to_have_value("member")
    ann.complaints.clear()


async def test_the_tour_takes_nothing_away(ann: Visitor) -> None:
    """What somebody began to write stays; what the tour filled in gives way to its next line."""
    await ann.line.fill("/generate prompt:my own")
    draw = ann.page.get_by_role("button", name="Draw a picture")
    await draw.click()
    await expect(ann.page.locator("#told")).to_contain_text("Something of yours stands in the message box.")
    await expect(ann.line).to_have_value("/generate prompt:my own")
    await ann.line.fill("")
    await draw.click()
    await expect(ann.option("prompt")).to_have_value("1girl, cherry blossoms, smile")
    await ann.page.get_by_role("button", name="Make NovelAI fail").click()

    await expect(ann.option("prompt")).to_have_value("1girl, !503")


# --- lines -----------------------------------------------------------------------------------------------------------


async def test_a_whole_line_is_read_as_say_reads_it(ann: Visitor, stage: Stage) -> None:
    """Colons and commas need no quotes; a pasted line is taken apart into the options that the parser found."""
    await ann.say("/generate prompt:1girl, artist:x, model: shot steps:28 seed:7 size:512x768")
    await ann.drawn(1)
    sent = list(stage.discord.interactions.by_id.values())[-1].data["options"]
    assert [("prompt", "1girl, artist:x, model: shot"), ("steps", 28), ("seed", 7), ("size", "512x768")] == [
        (each["name"], each["value"]) for each in sent
    ]
    await ann.paste('/generate prompt:"a steps:5" steps:20')

    await expect(ann.option("prompt")).to_have_value("a steps:5")
    await expect(ann.option("steps")).to_have_value("20")


UNSENDABLE = {
    "/generate prompt:1girl steps:99": "Not sent: steps goes from 1 to 50.",
    "/generate steps:5": "Not sent: this is missing: prompt.",
    "/nonsense": "Not sent: there is no command /nonsense here",
    "hello there": "Not sent: only commands are heard here",
    "/inspect image:/etc/passwd": "Not sent: a file is chosen with its button",
}


async def test_what_cannot_be_sent_is_said_and_kept(ann: Visitor, stage: Stage) -> None:
    """In one sentence under the message box; nothing reaches the bot, and what was typed is still there."""
    for line, why in UNSENDABLE.items():
        await ann.say(line)
        await expect(ann.page.locator("#trouble")).to_contain_text(why)
        await expect(ann.line).to_have_value(line)

    assert 0 == len(stage.discord.interactions.by_id)


async def test_the_list_shows_what_one_may_use_here(sample: Visitor) -> None:
    """An admin's command in an age-restricted channel is listed for Ada there, and neither for Ann nor elsewhere."""
    await sample.line.fill("/pa")
    await expect(sample.entries).to_have_count(1)
    assert ["/parts"] == await sample.entries.locator(".label").all_text_contents()
    await sample.become("Ada, admin")
    await sample.page.locator("[data-place=night-studio]").click()
    await expect(sample.page.locator("#here")).to_have_text("#night-studio")
    await sample.line.fill("/pa")

    await expect(sample.entries).to_have_count(2)
    assert ["/panel", "/parts"] == await sample.entries.locator(".label").all_text_contents()


async def test_every_kind_of_option_by_keyboard_alone(sample: Visitor) -> None:
    """Choices, yes/no, members, channels and roles are lists; a number says its range; all arrive as what they are."""
    await sample.line.focus()
    await sample.type("/options")
    await sample.press("Enter")
    await expect(sample.option("mood")).to_be_focused()
    await sample.type("st")
    await sample.press("Enter")
    await expect(sample.option("mood")).to_have_value("Storm")
    for name, typed, value in (
        ("loud", "tr", "True"), ("who", "be", "@Ben"), ("where", "mod", "#mod-log"), ("role", "art", "@Artists"),
        ("many", "9", "9"),
    ):  # fmt: skip
        await sample.tab_to(sample.page.get_by_label("Add an option"))
        await sample.type(name)
        await sample.press("Enter")
        field = sample.option(name)
        await expect(field).to_be_focused()
        await sample.type(typed)
        if name != "many":
            await expect(sample.entries.first).to_have_attribute("aria-selected", "true")
            await sample.press("Enter")
        await expect(field).to_have_value(value)
    await sample.press("Enter")
    await expect(sample.page.locator("#trouble")).to_have_text("Not sent: many goes from 1 to 5.")
    await expect(sample.option("many")).to_be_focused()
    await sample.press("Backspace")
    await sample.type("5")
    await sample.press("Enter")

    await expect(sample.messages.last).to_contain_text("2 True ['ben', 'mod-log', 'Artists'] 5 None")


async def test_enter_sends_what_was_pasted_and_nothing_else(sample: Visitor) -> None:
    """A member, a channel and a choice that are whole already are not replaced by the first of their lists."""
    await sample.paste("/options mood:Storm where:#general who:@Ben")
    await expect(sample.option("where")).to_be_focused()
    await expect(sample.entries).to_have_count(0)
    await sample.press("ArrowDown")
    await expect(sample.entries).to_have_count(5)
    await sample.press("Escape", "Enter")

    await expect(sample.messages.last).to_contain_text("2 None ['ben', 'general', None] None None")


async def test_a_subcommand_is_one_entry(sample: Visitor) -> None:
    """It is listed by its whole path, and sent inside of its command."""
    await sample.line.fill("/deep d")
    await expect(sample.entries).to_have_count(1)
    await sample.line.press("Enter")
    await sample.type("below")
    await sample.press("Enter")

    await expect(sample.messages.last).to_contain_text("down below")
    await expect(sample.page.locator(".asked").last).to_contain_text("Ann used /deep down")


async def test_autocomplete_that_comes_too_late_is_no_answer(browser: Browser) -> None:
    """An answer in time is offered, a late one is told as none, and what was typed is sent as it is."""
    async with _sample(browser, deadline=0.7) as (_, ann):
        await ann.line.fill("/options")
        await ann.line.press("Enter")
        await ann.type("Storm")
        await ann.page.get_by_label("Add an option").fill("late")
        await ann.press("Enter")
        await ann.type("quick")
        await expect(ann.entries.first).to_contain_text("quick 0")
        await ann.option("late").fill("slow")
        await expect(ann.page.locator("#suggestions")).to_contain_text("No answer.")
        await expect(ann.page.locator("#status")).to_have_text("No answer.")
        await ann.press("Enter")

        await expect(ann.messages.last).to_contain_text("slow")


# --- messages --------------------------------------------------------------------------------------------------------


async def test_silence_is_shown_as_one_would_see_it(browser: Browser) -> None:
    """A bot that misses its time: The application did not respond; it can be dismissed."""
    async with _sample(browser, deadline=0.3) as (_, ann):
        await ann.say("/wrong how:late")
        note = ann.page.locator(".note.lapsed")
        await expect(note).to_contain_text("The application did not respond")
        await note.get_by_role("button", name="Dismiss").click()

        await expect(note).to_have_count(0)


async def test_a_message_is_edited_where_it_stands(sample: Visitor) -> None:
    """Thinking, a first word, a second one in the same element, and gone."""
    await sample.say("/think")
    await expect(sample.page.locator(".thinking")).to_be_visible()
    await expect(sample.messages.last).to_have_attribute("aria-busy", "true")
    node = await sample.messages.last.element_handle()
    await expect(sample.messages.last).to_contain_text("first thought")
    await expect(sample.messages.last).to_contain_text("second thought")
    assert node is not None
    assert await node.evaluate("node => node.isConnected && node.getAttribute('aria-busy') === 'false'")

    await expect(sample.messages).to_have_count(0)


async def test_a_card_shows_every_part(sample: Visitor) -> None:
    """Container, sections, thumbnail, gallery, file, separators, each style of button, links, what is elsewhere."""
    await sample.say("/parts")
    card = sample.page.locator(".card").first
    await expect(card.locator("h5")).to_have_text("Every part")
    colour = await card.evaluate("node => getComputedStyle(node).borderLeftColor")
    assert "rgb(51, 102, 153)" == colour
    await expect(card.locator(".section .accessory button", has_text="Side")).to_be_visible()
    await expect(card.locator(".thumbnail img")).to_have_attribute("alt", "alt of thumb.png")
    await expect(card.locator(".gallery img")).to_have_attribute("alt", "seen one")
    await expect(card.locator(".gallery")).to_contain_text(
        "A picture elsewhere, not loaded: https://example.com/far.png"
    )
    await card.locator(".gallery .spoiler").click()
    await expect(card.locator(".gallery img")).to_have_count(2)
    await expect(card.locator(".file")).to_contain_text("notes.txt")
    assert 1 == await card.locator("hr").count()
    await sample.page.locator(".card").nth(1).get_by_role("button", name="Spoiler: show").click()
    await expect(sample.page.locator(".card").nth(1)).to_contain_text("under a spoiler")
    out = sample.page.get_by_role("link", name="out (opens https://example.com/a)")
    assert ("_blank", "noopener noreferrer") == (await out.get_attribute("target"), await out.get_attribute("rel"))
    await expect(sample.button("off")).to_be_disabled()
    styles = await sample.page.locator(".buttons button").evaluate_all("nodes => nodes.map((node) => node.className)")
    assert ["primary", "success", "danger"] == styles[:3]
    await sample.button("danger").click()

    await expect(sample.page.locator(".ephemeral").last).to_contain_text("pressed danger")
    await expect(sample.page.locator(".asked").last).to_contain_text("Ann pressed danger")


SELECTS = {
    "A person": (["m"], "chose mia", "Ann chose @Mia"),
    "A role": ([], "chose Artists", "Ann chose @Artists"),
    "Somebody": (["End", "ArrowUp"], "chose Artists", "Ann chose @Artists"),
    "A channel: #studio": (["n"], "chose night-studio", "Ann chose #night-studio"),
}


async def test_a_select_by_keyboard_alone(sample: Visitor) -> None:
    """People, roles, both, and channels: opened, gone through, chosen; Esc puts it away without choosing."""
    await sample.say("/parts")
    for label, (keys, told, header) in SELECTS.items():
        select = sample.page.get_by_role("combobox", name=label)
        await sample.tab_to(select, "Shift+Tab" if label == "A person" else "Tab")
        await sample.press("Enter")
        await expect(select).to_have_attribute("aria-expanded", "true")
        await sample.press("Escape")
        await expect(select).to_have_attribute("aria-expanded", "false")
        await expect(select).to_be_focused()
        await sample.press("ArrowDown", *keys, "Enter")

        await expect(sample.page.locator(".ephemeral").last).to_contain_text(told)
        await expect(sample.page.locator(".asked").last).to_contain_text(header)


async def test_a_select_of_several_minds_its_bounds(sample: Visitor) -> None:
    """Two or three: one is too few, a fourth is too many, and both are said."""
    await sample.say("/parts")
    select = sample.page.get_by_role("combobox", name="Two or three")
    await sample.tab_to(select, "Shift+Tab")
    await sample.press("ArrowDown")
    await expect(sample.page.locator('.listbox [aria-selected="true"]')).to_have_count(0)
    await sample.press(" ", "Enter")
    note = sample.page.locator(".select .hint", has_text=re.compile("Choose|more than"))
    await expect(note).to_have_text("Choose at least 2.")
    for _ in range(3):
        await sample.press("ArrowDown", " ")
    await expect(note).to_have_text("No more than 3 can be chosen.")
    await sample.press("Enter")

    await expect(sample.page.locator(".ephemeral").last).to_contain_text("chose ['1', '2', '3']")


async def test_a_form_with_every_field_says_what_is_wrong_beside_it(sample: Visitor) -> None:
    """Short text, radio group, checkbox group, checkbox and words; by keyboard alone."""
    await sample.say("/fields")
    form = sample.page.get_by_role("dialog", name="Every field")
    await expect(form.get_by_label("Name")).to_be_focused()
    assert ["Read ", "this", "."] == await form.locator(".text p").evaluate(
        "n => [...n.childNodes].map((c) => c.textContent)"
    )
    await sample.type("ab")
    await sample.press("Enter")
    troubles = form.locator(".field .trouble")
    await expect(troubles.nth(0)).to_have_text("At least 3 characters.")
    await expect(troubles.nth(1)).to_have_text("This needs an answer.")
    await expect(troubles.nth(2)).to_have_text("This needs an answer.")
    await expect(form.get_by_label("Name")).to_be_focused()
    await sample.type("c")
    await sample.press("Tab", "ArrowDown")
    await expect(form.get_by_label("Big")).to_be_checked()
    await sample.press("Tab", " ", "Tab", " ", "Tab", " ", "Tab", " ")
    await expect(form.get_by_label("Agreed")).to_be_checked()
    await sample.tab_to(form.get_by_label("Name"), "Shift+Tab")
    await sample.press("Enter")
    await expect(troubles.nth(2)).to_have_text("Choose at most 2.")
    await expect(troubles.nth(1)).to_be_hidden()
    await sample.tab_to(form.get_by_label("Snow"))
    await sample.press(" ")
    await sample.tab_to(form.get_by_role("button", name="Submit"))
    await sample.press("Enter")

    await expect(sample.page.locator(".ephemeral")).to_contain_text("abc b ['r', 'w'] True")
    await expect(sample.page.locator(".asked").last).to_contain_text("Ann sent the form Every field")


async def test_a_form_with_every_choice_keeps_what_was_given(sample: Visitor, tmp_path: Path) -> None:
    """Paragraph, selects and files; all of it is there again after Esc, in the form that is opened next."""
    note = tmp_path / "note.txt"
    note.write_text("x")
    await sample.say("/choices")
    form = sample.page.get_by_role("dialog", name="Every choice")
    await expect(form.get_by_label("Words")).to_be_focused()
    await sample.type("two\nlines")
    for label, letter in (("Number", "t"), ("Person", "@"), ("Place", "#")):
        await form.get_by_role("combobox", name=label).focus()
        await sample.press("ArrowDown", letter, "Enter")
    await form.locator("input[type=file]").set_input_files(note)
    await expect(form.locator(".file")).to_contain_text("note.txt")
    await sample.press("Escape")
    await expect(form).to_have_count(0)
    await sample.say("/choices")
    await expect(form.get_by_label("Words")).to_have_value("two\nlines")
    await expect(form.locator(".file")).to_contain_text("note.txt")
    await form.get_by_role("button", name="Submit").click()

    told = re.compile(r"\[two\s+lines\] \['2'\] \w+ [\w-]+ \['note.txt'\]")
    await expect(sample.page.locator(".ephemeral")).to_contain_text(told)


MARKDOWN: dict[str, str] = {
    "**bold** *it* _it_ ~~no~~ __under__": "<strong>bold</strong> <em>it</em> <em>it</em> <s>no</s> <u>under</u>",
    "**a *b* c**": "<strong>a <em>b</em> c</strong>",
    r"\*no\* 2 * 3 * 4 snake_case_name": "*no* 2 * 3 * 4 snake_case_name",
    "`a **b** <@1>` ``c ` d``": "<code>a **b** &lt;@1&gt;</code> <code>c ` d</code>",
    "```js\nlet **x**;\n```": "<pre><code>let **x**;</code></pre>",
    "||secret||": "Spoiler: show",
    "[text](https://example.com) https://example.com": "[text](https://example.com) https://example.com",
    "<@1100000000000000011> <@!1100000000000000012> <@99>": "@Ann @Ben &lt;@99&gt;",
    "<#1100000000000000031> <#99> <@&1100000000000000061> <@&9>": "#studio &lt;#99&gt; @Artists &lt;@&amp;9&gt;",
    "@everyone @here <:smile:123> </nonsense:5>": "@everyone @here &lt;:smile:123&gt; &lt;/nonsense:5&gt;",
    "<b>x</b><script>alert(1)</script>": "&lt;b&gt;x&lt;/b&gt;&lt;script&gt;alert(1)&lt;/script&gt;",
    "<t:0:D> <t:99999999999999:R>": "1 January 1970 &lt;t:99999999999999:R&gt;",
    "**open ~~and ||never `closed": "**open ~~and ||never `closed",
}


async def test_markdown_is_read_as_discord_reads_it(sample: Visitor) -> None:
    """What it knows is marked up, what it does not know is left as the text that it was."""
    got = {}
    for text in MARKDOWN:
        got[text] = await sample.page.evaluate(
            """async (text) => {
                const { markdown } = await import(new URL("page/markdown.js", document.baseURI));
                const box = document.createElement("div");
                box.append(...markdown(text));
                for (const node of box.querySelectorAll("*")) {
                    for (const name of node.getAttributeNames()) node.removeAttribute(name);
                }
                return box.innerHTML.replaceAll(/<\\/?(p|span|button|time)>/g, "");
            }""",
            text,
        )

    assert MARKDOWN == got


async def test_blocks_are_told_apart(sample: Visitor) -> None:
    """Headings, subtext, lists within lists, quotes and fences, each its own block."""
    text = (
        "# One\n## Two\n### Three\n-# small\n- a\n  - b\n- c\n1. x\n2. y\n> q1\n> q2\nplain\n"
        "```\n- no list\n```\n**x** ||```\n||no\n```||\n>>> all\nthe rest"
    )
    tags = await sample.page.evaluate(
        """async (text) => {
            const { markdown } = await import(new URL("page/markdown.js", document.baseURI));
            return markdown(text).map((node) => `${node.tagName}:${node.textContent}`);
        }""",
        text,
    )

    assert [
        "H3:One", "H4:Two", "H5:Three", "P:small", "UL:abc", "OL:xy", "BLOCKQUOTE:q1\nq2", "P:plain",
        "PRE:- no list", "P:x ", "BUTTON:Spoiler: show", "BLOCKQUOTE:all\nthe rest",
    ] == tags  # fmt: skip


async def test_markdown_of_a_madman_takes_no_time(sample: Visitor) -> None:
    """Four thousand characters of the worst kind are read soon, and not in a time that grows with their square."""
    worst = ["`" * 4000, "*" * 4000, "||" * 2000, "`a``b" * 800, "> " * 2000, "<" * 4000, "_a " * 1300, "**a" * 1300,
             "```a" + "\n" * 3990, "- " * 2000, "\\" * 4000, "~~" * 2000, "*a_b" * 1000]  # fmt: skip
    took = await sample.page.evaluate(
        """async (all) => {
            const { markdown } = await import(new URL("page/markdown.js", document.baseURI));
            return all.map((text) => {
                const from = performance.now();
                markdown(text);
                return performance.now() - from;
            });
        }""",
        worst,
    )

    assert max(took) < 8_000, took


async def test_moments_go_on_by_themselves(sample: Visitor) -> None:
    """A distance in time is told anew each second."""
    await sample.say(f"/echo text:<t:{2_000_000_000}:f> and <t:{int(time.time()) + 40}:R>")
    left = sample.page.locator("time[data-left]")
    await expect(left).to_have_text(re.compile(r"in \d+ seconds"))
    before = await left.text_content()

    await expect(left).not_to_have_text(before or "")
    await expect(sample.messages.last).to_contain_text("18 May 2033")


async def test_nothing_of_a_message_becomes_markup(sample: Visitor) -> None:
    """Trusted Types are enforced and no policy exists: a script that tried to write markup would fail."""
    refused = await sample.page.evaluate(
        """() => {
            try { document.createElement("div").innerHTML = "<b>x</b>"; return false; } catch { return true; }
        }"""
    )

    assert refused
    sample.complaints.clear()


async def test_what_is_typed_in_the_terminal_is_seen_in_the_page(browser: Browser) -> None:
    """`naibot try` opens the page and reads lines: both are one room; backstage shows queue, ledger and balance."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "try", cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            address = (await process.stdout.readline()).decode().split()[-1]
        async with visiting(browser, address) as ann:
            process.stdin.write(f"{WISH}\n".encode())
            await process.stdin.drain()
            await ann.drawn(1)
            await ann.say("/generate prompt:1girl size:large")
            await ann.button("Spend 30 Anlas").click()
            await ann.drawn(2)
            await ann.page.locator("#backstage summary").click()
            inside = ann.page.locator("#inside")
            await expect(inside).to_contain_text("9970 Anlas")
            await expect(inside.locator("section").nth(1)).to_contain_text("9970 Anlas")
            await expect(inside).to_contain_text("billed 30")
            assert ([], []) == (ann.complaints, ann.strangers())
            process.stdin.write(b"press Reroll\n")
            await process.stdin.drain()
            await expect(ann.page.locator(".message")).to_have_count(4)
    finally:
        process.stdin.close()
        async with asyncio.timeout(30):
            await process.communicate()
    assert 0 == process.returncode


# --- settings, quota, blocks -----------------------------------------------------------------------------------------


async def test_settings_are_for_admins(ann: Visitor) -> None:
    """/config is absent for Ann, and present for Ada."""
    await ann.line.fill("/config")
    await expect(ann.page.locator("#suggestions")).to_have_text("No command begins like that here, for Ann.")
    await ann.become("Ada, admin")
    await ann.line.fill("/config")

    await expect(ann.entries).to_have_count(1)


async def test_the_list_becomes_what_one_may_use_now(ann: Visitor) -> None:
    """Typed before the room has told what Ada may use: the list is hers as soon as it has."""
    async with _held(ann, "**/world?*") as asked:
        await ann.become("Ada, admin")
        await ann.line.fill("/config")
        await expect(ann.page.locator("#suggestions")).to_contain_text("No command begins like that here")

    assert 1 == len(asked)
    await expect(ann.entries).to_have_count(1)


async def test_a_channel_and_a_toggle_are_set_by_keyboard_alone(ann: Visitor, stage: Stage) -> None:
    """Ada adds #general in the channel select of the panel, then turns a switch of another group."""

    def config() -> GuildConfig:
        found = stage.house.services.guilds.config_of(lantern.LANTERN)
        assert found is not None
        return found

    await ann.become("Ada, admin")
    await ann.say("/config")
    panel = ann.page.locator(".ephemeral")
    await ann.tab_to(panel.get_by_role("button", name="Change").first, "Shift+Tab")
    await ann.press("Enter")
    await ann.tab_to(panel.get_by_role("combobox", name="#studio"))
    await ann.press("ArrowDown", "g", " ", "Enter")
    await until(lambda: lantern.GENERAL in config().channels)
    await expect(panel.locator(".section").first).to_contain_text("#general")
    group = panel.get_by_role("combobox", name="Places")
    await ann.tab_to(group)
    await ann.press("ArrowDown", "l", "ArrowDown", "ArrowUp", "Enter")
    await ann.tab_to(panel.get_by_role("combobox", name="Limits"))
    await ann.press("ArrowDown", "l", "l", "Enter")
    await ann.tab_to(panel.locator(".section", has_text="Show prompts").get_by_role("button", name="Change"))
    before = config().show_prompts
    await ann.press("Enter")

    await until(lambda: config().show_prompts != before)


async def test_a_fault_leaves_the_quota_as_it_was(ann: Visitor) -> None:
    """The fifth thing to try: NovelAI fails, and /quota shows what it showed before."""
    await ann.say("/quota")
    today = ann.page.locator(".ephemeral .card p", has_text=re.compile("^Today"))
    before = await today.last.text_content()
    step = ann.page.get_by_role("button", name="Make NovelAI fail")
    await step.click()
    await expect(ann.option("prompt")).to_have_value("1girl, !503")
    await ann.press("Enter")
    await expect(ann.messages.last).to_contain_text("NovelAI could not finish this one. Nothing was charged.")
    async with asyncio.timeout(20):
        # The page learns a moment after the message that the bot is through with it, and says until then to wait.
        while await ann.page.locator("#line").input_value() != "/quota":
            await step.click()
            await expect(ann.page.locator("#told")).not_to_be_empty()
            await asyncio.sleep(0.1)
    await ann.press("Enter")
    await expect(today).to_have_count(2)

    assert before == await today.last.text_content()
    await expect(ann.page.locator("#tour li").nth(4)).to_have_class("done")


async def test_a_picture_is_held_back_and_a_moderator_approves_it(stage: Stage, ann: Visitor) -> None:
    """The fourth thing to try: asked for as Ann, approved as Mia in the review channel, by the same button."""
    guilds = stage.house.services.guilds
    config = guilds.config_of(lantern.LANTERN)
    assert config is not None
    await guilds.save(lantern.LANTERN, replace(config, review_channel=lantern.REVIEW))
    step = ann.page.get_by_role("button", name="Have a picture held back")
    await step.click()
    await expect(ann.option("prompt")).to_have_value("1girl, !rated82")
    await ann.press("Enter")
    await expect(ann.messages.last).to_contain_text("Waiting for a moderator's look")
    await step.click()
    await expect(ann.page.get_by_label("You are:")).to_have_value("moderator")
    await expect(ann.button("Approve")).to_be_focused()
    await ann.press("Enter")

    await expect(ann.messages.last).to_contain_text("Approved")
    await expect(ann.page.locator("#tour li").nth(3)).to_have_class("done")


async def test_a_moderator_blocks_and_the_blocked_one_is_told(ann: Visitor) -> None:
    """As Mia, then as Ben."""
    await ann.page.get_by_label("You are:").select_option("moderator")
    await ann.say("/mod block member:@Ben")
    await expect(ann.messages.last).to_contain_text("Ben")
    await ann.page.get_by_label("You are:").select_option("member2")
    await ann.say(WISH)

    await expect(ann.page.locator(".ephemeral")).to_contain_text("You cannot use me here")
