"""The whole bot from outside: what a person types, and what they get."""

import asyncio
import json
import re
import sys
from pathlib import Path

import aiohttp

from bot.imaging.inspection import inspect_image
from bot.imaging.signature import NOVELAI, STANDIN
from tests.imaging.pictures import COMMENT, a_picture, hidden, packed, png, signed
from tests.shell.room import ROOT, naibot, say, visit

WISH = "/generate prompt:1girl, cherry blossoms, smile seed:1234567"


async def test_a_picture_is_made_pressed_inspected_and_deleted(tmp_path: Path) -> None:
    """The main job, end to end, with the buttons of the result."""
    seen = await visit(tmp_path, *say(WISH, "press Reroll", "menu Inspect image", "press More", "press Delete"))

    assert 0 == seen.code, seen.stdout + seen.stderr
    [first], [second] = seen.files(1), seen.files(2)
    shown = inspect_image(first.read_bytes(), trusted={**NOVELAI, **STANDIN})
    assert ("signed", 1234567) == (shown.verdict.value, shown.claims[0].settings["seed"])
    assert "altered" == inspect_image(first.read_bytes()).verdict.value
    assert first.read_bytes() != second.read_bytes()
    entry, note = seen.line(1)
    assert (False, True) == (entry["ephemeral"], note["ephemeral"])
    assert "Your first picture here" in note["content"]
    assert "`1girl, cherry blossoms, smile`" in entry["content"]
    assert "seed 1234567 · free" in entry["content"]
    [card] = [entry for entry in seen.line(3) if entry["ephemeral"]]
    assert "Signed by the stand-in" in card["content"]
    assert any(name.endswith("metadata.json") for name in card["attachments"])
    assert "Job" in seen.said(4)
    assert any(entry.get("deleted") for entry in seen.line(5))
    assert "Nothing" in seen.said(5) or "Deleted" in seen.said(5)


async def test_inspect_agrees_with_the_shell(tmp_path: Path) -> None:
    """`/inspect` of a delivered picture names the stand-in, and so does `naibot inspect`."""
    made = await visit(tmp_path / "a", *say(WISH))
    [picture] = made.files(1)

    asked = await visit(tmp_path / "b", *say(f"/inspect image:@{picture}"))
    code, out, _ = await naibot("inspect", "--json", "--trust-standin", str(picture))
    _, plain, _ = await naibot("inspect", "--json", str(picture))

    assert "Signed by the stand-in" in asked.said(1)
    [found] = [json.loads(line) for line in out.splitlines()]
    assert (0, "signed", "standin") == (code, found["verdict"], found["claims"][0]["signer"])
    assert "altered" == json.loads(plain)["verdict"]


async def test_an_image_becomes_a_picture(tmp_path: Path) -> None:
    """Two images on one card; a form filled from one; a file restored; the card shown to everybody."""
    whole, stripped = tmp_path / "whole.png", tmp_path / "stripped.png"
    whole.write_bytes(png(a_picture(), Software="NovelAI", Comment=json.dumps({**COMMENT, "width": 64, "height": 64})))
    stripped.write_bytes(png(hidden(a_picture(80, 96), packed(signed(a_picture(80, 96))))))
    seen = await visit(
        tmp_path / "out",
        *say(
            f"/inspect image:@{whole} image_2:@{stripped}",
            "press Use these settings",
            "fill Seed:x",
            "press Open again",
            "fill Seed:77 Size:512x768",
            f"/inspect image:@{stripped}",
            "press Restored file",
            "press Show to everyone",
        ),
    )

    assert 0 == seen.code, seen.stdout + seen.stderr
    assert "Image 2 of 2 · `stripped.png`" in seen.said(1)
    [opened] = [entry["form"] for entry in seen.line(2)]
    assert {"hint": "Not carried over: model. Free. V3, 64×64.", "value": "1girl, smile"}.items() <= (
        opened["fields"][0].items()
    )
    assert "A seed is a whole number" in seen.said(3)
    assert "512×768 · seed 77" in seen.said(5)
    [restored] = seen.files(7)
    found = inspect_image(restored.read_bytes())
    assert ["png_text", "alpha"] == [claim.carrier.value for claim in found.claims]
    assert [False] == [entry["ephemeral"] for entry in seen.line(8) if "1girl" in entry["content"]]


async def test_refusals_are_private_and_name_the_cure(tmp_path: Path) -> None:
    """Wrong place, wrong size, what is never made, what the model lacks: one private sentence each."""
    seen = await visit(
        tmp_path,
        "--in", "general", *say(WISH),
        "--in", "studio",
        *say(
            "/generate prompt:1girl size:800x600",
            "/generate prompt:loli, nude",
            "/generate prompt:1girl uc_preset:Furry Focus",
            "/generate prompt:1girl size:4096x4096",
        ),
    )  # fmt: skip

    assert 0 == seen.code, seen.stdout + seen.stderr
    assert all(entry["ephemeral"] for entry in seen.transcript if entry["content"] != "…")
    assert "I do not draw in" in seen.said(1)
    assert "832×576" in seen.said(2)
    assert "I do not make this" in seen.said(3)
    assert "Heavy, Light, Human Focus" in seen.said(4)
    assert "larger than NovelAI draws" in seen.said(5)
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".png"]


async def test_a_moderator_decides_and_a_member_asks_for_a_second_look(tmp_path: Path) -> None:
    """From a held picture to the answer to an appeal, by typing alone."""
    seen = await visit(
        tmp_path,
        *say("/generate prompt:1girl, !rated82 size:64x64"),
        "--as", "moderator", "--in", "review", *say("press Look", "press Approve"),
        "--as", "member", "--in", "studio", *say("/generate prompt:1girl, smile, !rated82 size:64x64"),
        "--as", "moderator", "--in", "review",
        *say("press Reject and warn", "fill Reason:None of these Words to the member:Keep it safe."),
        "--as", "member", "--in", "dm",
        *say("press Appeal", "fill Why should it be looked at again?:It is a red dress and nothing else."),
        "--as", "admin", "--in", "review", *say("press Lift"),
        "--as", "member", *say("/cases"),
    )  # fmt: skip

    assert 0 == seen.code, seen.stdout + seen.stderr
    assert "Waiting for a moderator's look" in seen.said(1)
    assert 1 == len(seen.files(2))
    assert "Case 1 · Approved" in seen.said(3)
    assert "Case 2 · Rejected with a warning" in seen.said(6)
    assert "Sent. Somebody other than" in seen.said(8)
    assert "Case 3 · Lifted" in seen.said(9)
    assert "looked at again: lifted" in seen.said(10)


async def test_a_price_is_asked_and_spent_once(tmp_path: Path) -> None:
    """Large costs 30: asked privately, spent on a yes; the second question is let go."""
    large = "/generate prompt:sea, night size:large"
    seen = await visit(tmp_path, *say(large, "press Spend", large, "press Not now"))

    assert 0 == seen.code, seen.stdout + seen.stderr
    assert "This one costs 30 Anlas" in seen.said(1)
    assert all(entry["ephemeral"] for entry in seen.line(1))
    assert 1 == len(seen.files(2))
    assert "30 Anlas" in seen.said(2)
    assert "Nothing was made or charged" in seen.said(4)


async def test_a_failure_charges_nothing_and_can_be_tried_again(tmp_path: Path) -> None:
    """NovelAI fails three times; the message says so in public, neutrally, and can be put away."""
    seen = await visit(tmp_path, *say("/generate prompt:1girl, !503", "press Dismiss"))

    assert 0 == seen.code, seen.stdout + seen.stderr
    [entry] = seen.line(1)
    assert "Nothing was charged" in entry["content"]
    assert not entry["ephemeral"]
    assert any(entry.get("deleted") for entry in seen.line(2))


async def test_what_no_client_could_send_is_exit_2(tmp_path: Path) -> None:
    """An option that does not exist, a value out of range, a button that is not there."""
    for line in ("/generate prompt:x steps:99", "/nothing", "press Reroll", "/generate size:large"):
        seen = await visit(tmp_path / str(abs(hash(line))), *say(line))

        assert 2 == seen.code, (line, seen.stdout, seen.stderr)
        assert seen.stderr.strip()


async def test_a_line_that_is_not_answered_in_time_is_exit_3(tmp_path: Path) -> None:
    """A picture that takes longer than the line may."""
    seen = await visit(tmp_path, "--timeout", "2", *say("/generate prompt:1girl, !slow"))

    assert 3 == seen.code, seen.stdout + seen.stderr


async def test_hostile_prompts_stay_text(tmp_path: Path) -> None:
    """Nobody is pinged, and no prompt leaves its code."""
    seen = await visit(tmp_path, *say("/generate prompt:@everyone <@100> ```x``` ``` `a` [l](http://x) ||s||"))

    assert 0 == seen.code, seen.stdout + seen.stderr
    first = seen.said(1).splitlines()[0]
    assert first.startswith("`")
    assert 2 == first.count("`")


async def test_files_that_are_no_images_get_a_sentence(tmp_path: Path) -> None:
    """Not an image, a truncated one, one with another's name: a clear private answer."""
    html, cut = tmp_path / "page.png", tmp_path / "cut.png"
    html.write_text("<html>")
    cut.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0")

    seen = await visit(tmp_path / "out", *say(f"/inspect image:@{html}", f"/inspect image:@{cut}"))

    assert 0 == seen.code, seen.stdout + seen.stderr
    assert "not a picture I can read" in seen.said(1)
    assert "damaged" in seen.said(2)
    assert all(entry["ephemeral"] for entry in seen.transcript)


async def test_lines_are_read_from_the_terminal() -> None:
    """Without --say it reads what is typed; a line that cannot be sent does not end it, the end of input does."""
    typed = b"/generate prompt:1girl\nas moderator\npress Nothing\nmenu Inspect image\n"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "try", cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate(typed)

    said = out.decode()
    assert 0 == process.returncode
    assert "no message here shows a button 'Nothing'" in said
    assert "(only moderator) ### ✅ Signed by the stand-in" in said


async def test_without_a_terminal_the_room_stays_open_until_it_is_ended() -> None:
    """Nobody can type there, and the page is the room."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "try", cwd=ROOT, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        address = (await process.stdout.readline()).decode().split()[-1]
        await asyncio.sleep(1.0)
        async with aiohttp.ClientSession() as web, web.get(address) as page:
            assert 200 == page.status
        process.terminate()
        await process.wait()


async def test_a_file_over_25_mib_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """By its declared size, in one private sentence."""
    large = tmp_path / "large.png"
    large.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(25 * 1024 * 1024))

    seen = await visit(tmp_path / "out", *say(f"/inspect image:@{large}"))

    assert 0 == seen.code, seen.stdout + seen.stderr
    assert "too large" in seen.said(1)
    assert seen.line(1)[0]["ephemeral"]
    assert seen.line(1)[0]["ms"] < 2_000


async def test_every_kind_of_no_and_a_set_up_from_outside(tmp_path: Path) -> None:
    """A refusal of each kind, a block, a quota used up, a server set up: private, in words, and nothing is charged."""
    plain = "/generate prompt:1girl, river"
    script = [
        ("in general", plain, "I do not draw in"),
        ("in New server/general", plain, "has not set me up yet"),
        ("in studio", "/generate prompt:1girl, nsfw", "or use <#"),
        ("", "/generate prompt:1girl undesired_content:[nsfw]", "must not weaken"),
        ("", "/generate prompt:loli, nude", "I do not make this, anywhere"),
        ("as admin", "/rules add text:gore", "From now on I refuse"),
        ("as member", "/generate prompt:1girl, gore", 'does not allow "gore"'),
        ("", "/generate prompt:1girl, g o r e", "hides a word"),
        ("as admin", "/config setting:never_spend value:on", "off → on"),
        ("as member", "/generate prompt:sea size:large", "I left you a note"),
        ("", "press I understand", "You can go on"),
        ("", "/generate prompt:sea size:large", "this server never spends any"),
        ("as admin", "/config setting:private value:off", "on → off"),
        ("as member", f"{plain} private:true", "does not allow private pictures"),
        ("as moderator", "/mod block member:@Ben duration:1 hour reason:Too many wishes", "cannot use me here until"),
        ("as member2", plain, "Reason: Too many wishes."),
        ("", "/quota", "0 of 25"),
        ("as admin", "/config setting:pictures_day value:1", "25 → 1"),
        ("as member", plain, "seed"),
        ("", plain, "You have made 1 of 1 pictures today"),
        ("", "/quota", "0 left"),
        ("as admin", "/config setting:pictures_day value:no limit", "1 → no limit"),
        ("", "/config setting:cooldown value:60", "0 s → 60 s"),
        ("as member", plain, "One moment"),
        ("as admin", "/rules test prompt:gore", "would be refused"),
        ("as moderator", "/mod unblock member:@Ben", "can use me here again"),
        ("as admin", "in New server/general", ""),
        ("", "/config", "1 of 4"),
        ("", "press #general", "✓ I can post in"),
        ("", "press Next", "2 of 4"),
        ("", "press Next", "3 of 4"),
        ("", "press 10", "**Pictures a day**: 10"),
        ("", "press Next", "4 of 4"),
        ("", "press I accept this", "are accepted"),
        ("", "press Open the doors", "The doors are open"),
        ("as member", plain, "9 left today"),
    ]
    arguments: list[str] = []
    said: list[tuple[str, str]] = []
    for change, line, words in script:
        for part in (change, line if line.startswith("in ") else ""):
            verb, _, rest = part.partition(" ")
            arguments += [f"--{verb}", rest] if rest else []
        if words:
            arguments += ["--say", line]
            said.append((line, words))

    seen = await visit(tmp_path, *arguments)

    assert 0 == seen.code, seen.stdout + seen.stderr
    for n, (line, words) in enumerate(said, 1):
        assert words in seen.said(n), (line, seen.said(n))
        is_picture = any("seed" in str(entry["content"]) for entry in seen.line(n))
        assert is_picture or all(entry["ephemeral"] or entry["content"] == "…" for entry in seen.line(n)), line
    assert 2 == len([path for path in tmp_path.iterdir() if path.suffix == ".png"])
    assert not re.search(r"<(#|@&?)\d|<t:\d|</", seen.stdout)


async def test_a_message_with_an_image_gets_a_glass_and_its_answer(tmp_path: Path) -> None:
    """Where it is on, and nowhere else; who presses it is answered in their direct messages."""
    image = tmp_path / "in.png"
    image.write_bytes(png(a_picture(), Software="NovelAI", Comment='{"prompt": "1girl, hat", "seed": 7}'))
    seen = await visit(
        tmp_path / "out",
        *say(f"post image:@{image}"), "--in", "general", *say(f"post look image:@{image}"),
        "--as", "member2", *say("press 🔎", "post thank you"), "--in", "dm", *say("press Copy prompt"),
    )  # fmt: skip

    assert 0 == seen.code, seen.stdout + seen.stderr
    assert [None, ["🔎"]] == [seen.line(n)[0].get("reactions") for n in (1, 2)]
    assert image.read_bytes() == seen.files(2)[0].read_bytes()
    assert ["general", "dm"] == [entry["in"] for entry in seen.line(3)]
    assert "not signed" in seen.said(3)
    assert "thank you" == seen.said(4)
    assert "1girl, hat" in seen.said(5)
