"""`naibot check`: everything that is wrong is found at once, and nothing is called wrong that is not."""

import os
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.store.store import open_store
from bot.checkup import AWAY, FINE, PROBLEM
from bot.domain.guild import GuildConfig
from bot.ports import ACCOUNT_STOPPED
from bot.standin.discord import lantern
from tests.shell.room import naibot
from tests.stage import STUDIO, Stage, open_stage

NOWHERE = {
    "DISCORD_API": "http://127.0.0.1:1/api/v10",
    "DISCORD_GATEWAY": "ws://127.0.0.1:1/gateway",
    "NOVELAI_API": "http://127.0.0.1:1",
}
PRACTICE = {"DISCORD_TOKEN": "practice-room", "NOVELAI_TOKENS": "pst-standin"}
REAL_TOKEN = "MTEwMDAwMDAwMDAwMDAwMDAwMQ.Gabcde.abcdefghijklmnopqrstuvwxyz0123456789AB"


async def _check(folder: Path, *arguments: str, **environ: str) -> tuple[int, str]:
    code, out, err = await naibot(
        "check", "--data", str(folder), *arguments, env={"PATH": os.environ["PATH"], **environ}
    )
    assert "Traceback" not in err
    return code, out


def _meets(stage: Stage, **more: str) -> dict[str, str]:
    where = stage.discord.settings()
    return {
        "DISCORD_TOKEN": where["DISCORD_TOKEN"],
        "DISCORD_API": where["DISCORD_API"],
        "DISCORD_GATEWAY": where["DISCORD_GATEWAY"],
        "NOVELAI_API": stage.settings.novelai_api,
        "NOVELAI_TOKENS": "pst-standin",
        **more,
    }


async def test_in_an_empty_environment_it_says_what_is_missing(tmp_path: Path) -> None:
    """Both tokens, and that the folder is new; exit 1."""
    code, out = await _check(tmp_path)

    assert code == PROBLEM
    assert ["✗ DISCORD_TOKEN is missing", "✗ NOVELAI_TOKENS is missing"] == [
        line.split(".")[0] for line in out.splitlines() if line.startswith("✗")
    ]
    assert "2 things to put right." in out


async def test_a_bot_that_runs_is_ready(tmp_path: Path) -> None:
    """Beside the bot: settings, disk, ledger, clock, Discord with its servers, NovelAI with its account; exit 0."""
    async with open_stage(tmp_path) as stage:
        await stage.answered(await stage.slash("generate", prompt="1girl", size="512x768"))
        code, out = await _check(tmp_path, **_meets(stage))

    assert (FINE, []) == (code, [line for line in out.splitlines() if line.startswith(("✗", "?"))])
    for found in (
        "1 jobs",
        "clock agrees",
        "logged in as naibot",
        "can draw in #studio",
        "Opus, 10,000",
        "permissions=2",
    ):
        assert found in out


async def test_what_is_wrong_outside_is_named(tmp_path: Path) -> None:
    """A permission, a channel that is gone, an account without a subscription, and that nobody could draw."""
    async with open_stage(tmp_path, config=GuildConfig(channels=(lantern.STUDIO, 77), unchecked=True)) as stage:
        stage.discord.world.denied[lantern.STUDIO] = lantern.ATTACH | lantern.THREADS
        stage.novelai.account.tier = 1
        code, out = await _check(tmp_path, **_meets(stage))
        _, spending = await _check(tmp_path, **_meets(stage, NEVER_SPEND="off"))

    assert code == PROBLEM
    for found in ("lacks Attach Files", "Send Messages in Threads", "a channel that was chosen is gone", "Tablet"):
        assert found in out
    assert ("Nobody could draw" in out, "Nobody could draw" in spending) == (True, False)


async def test_the_intent_is_asked_for_where_it_is_wanted(tmp_path: Path) -> None:
    """Granted it is fine, and the invitation has Add Reactions; not granted it is a problem; unwanted, neither."""
    config = replace(STUDIO, auto_inspect=(lantern.GENERAL,))
    async with open_stage(tmp_path, config=config, working=False) as stage:
        stage.discord.world.denied[lantern.GENERAL] = lantern.REACT
        _, lacking = await _check(tmp_path, **_meets(stage, MESSAGE_CONTENT="on"))
        stage.discord.world.denied.clear()
        granted, fine = await _check(tmp_path, **_meets(stage, MESSAGE_CONTENT="on"))
        stage.discord.world.grants_content = False
        refused, wrong = await _check(tmp_path, **_meets(stage, MESSAGE_CONTENT="on"))
        unwanted, off = await _check(tmp_path, **_meets(stage))

    assert "#general: it lacks Add Reactions" in lacking
    assert (FINE, PROBLEM, FINE) == (granted, refused, unwanted)
    assert "permissions=274878008384" in fine
    assert "permissions=274878008320" in off
    assert ["MESSAGE_CONTENT is on" in out for out in (fine, wrong, off)] == [False, True, False]


async def test_a_token_that_is_refused_is_a_problem_and_silence_is_not(tmp_path: Path) -> None:
    """Refused: exit 1. Unreachable: exit 2, so that a script may try again later."""
    async with open_stage(tmp_path / "a", working=False) as stage:
        stage.discord.fail_next("GET", "/users/@me", 401)
        code, out = await _check(tmp_path / "b", **_meets(stage, NOVELAI_TOKENS="pst-other"))
    assert (PROBLEM, True, True) == (code, "does not take DISCORD_TOKEN" in out, "does not take token 1" in out)

    code, out = await _check(tmp_path / "b", **PRACTICE, **NOWHERE)
    assert (AWAY, True, True) == (code, "Discord cannot be reached" in out, "NovelAI did not answer" in out)
    assert "Nobody could draw" not in out


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({"DISCORD_TOKEN": "Bot " + REAL_TOKEN}, "more than one token"),
        ({"DISCORD_TOKEN": "a" * 64}, "does not look like a bot token"),
        ({"NOVELAI_TOKENS": "eyJhbGciOiJIUzI1NiJ9.e30.x"}, "does not begin with pst-"),
        ({"NOVELAI_TOKENS": "pst-a,pst-a"}, "twice"),
        ({}, "Everything is ready"),
    ],
)
async def test_the_form_of_a_token_is_looked_at_offline(tmp_path: Path, environ: dict[str, str], found: str) -> None:
    """What was copied wrongly is seen without asking anybody, and is not printed."""
    given = {"DISCORD_TOKEN": REAL_TOKEN, "NOVELAI_TOKENS": "pst-abcdefgh", **environ}
    code, out = await _check(tmp_path, "--offline", **given)

    assert found in out
    assert not any(value in out for value in given.values())
    assert (code == FINE) == ("Everything is ready" in out)


async def test_files_that_others_can_read_are_named(tmp_path: Path) -> None:
    """A secret's file and the data folder."""
    secret, data = tmp_path / "token", tmp_path / "d"
    secret.write_text(REAL_TOKEN)
    secret.chmod(0o644)
    data.mkdir(mode=0o755)
    _, out = await _check(data, "--offline", DISCORD_TOKEN_FILE=str(secret), NOVELAI_TOKENS="pst-abcdefgh")

    assert f"chmod 600 {secret}" in out
    assert f"chmod 700 {data}" in out


async def test_a_ledger_that_does_not_add_up_and_a_clock_that_went_back(tmp_path: Path) -> None:
    """The differences one by one."""
    store = await open_store(tmp_path)
    await store.write(time.time() + 7_200, "config.changed")
    await store.close()
    with sqlite3.connect(tmp_path / "naibot.sqlite3") as writing:
        writing.execute(
            "INSERT INTO usage (guild_id, user_id, level, span, starts, ends, pictures) "
            "VALUES (0, 0, 'house', 'day', 0, 86400, 3)"
        )
    writing.close()
    code, out = await _check(tmp_path, "--offline", **PRACTICE, **NOWHERE)

    assert (PROBLEM, True, True) == (code, "house by day: pictures 3, counted 0" in out, "stands 2.0 h before" in out)


async def test_a_stopped_account_is_named_with_what_to_do(tmp_path: Path) -> None:
    """Check says the command; the command is for what is stopped alone, works beside a bot, and is on record."""
    store = await open_store(tmp_path)
    await store.remember(ACCOUNT_STOPPED + "nai-0123456789ab", "1.0")
    code, out = await _check(tmp_path, "--offline", **PRACTICE, **NOWHERE)
    assert (PROBLEM, True) == (code, "naibot resume nai-0123456789ab" in out)

    env = {"PATH": os.environ["PATH"]}
    wrong, said, _ = await naibot("resume", "nai-other", "--data", str(tmp_path), env=env)
    right, done, _ = await naibot("resume", "nai-0123456789ab", "--data", str(tmp_path), env=env)
    missing, _, err = await naibot("resume", "nai-0123456789ab", "--data", str(tmp_path / "none"), env=env)
    [entry] = await store.entries(0, ("account.resumed",), 2)
    await store.close()
    code, _ = await _check(tmp_path, "--offline", **PRACTICE, **NOWHERE)

    assert (1, 0, 1, FINE) == (wrong, right, missing, code)
    assert ("No account of that name" in said, "works again" in done) == (True, True)
    assert {"account": "nai-0123456789ab"} == entry.record.data
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"DISCORD_TOKEN": "a.b\nc.d"}, "more than one token"),
        ({"NOVELAI_TOKENS": "pst-Ω"}, "characters that no token has"),
        ({"DISCORD_API": "http://[::1"}, "DISCORD_API must be"),
        ({"NOVELAI_API": "http://127.0.0.1:abc"}, "NOVELAI_API must be"),
        ({"BACKSTAGE_URL": "http://[::1"}, "BACKSTAGE_URL works only"),
        ({"HOUSE_ANLAS_DAY": "9" * 5_000}, "HOUSE_ANLAS_DAY must be a whole number"),
        ({"OPERATOR_GUILD": "9" * 5_000}, "OPERATOR_GUILD must be one id"),
        ({"GUILDS": "99999999999999999999"}, "GUILDS must be ids"),
        ({"SEED": "/nowhere"}, "SEED"),
        ({"DISCORD_TOKEN_FILE": "/nowhere", "DISCORD_TOKEN": ""}, "cannot be read"),
        ({"NOVELAI_TOKENS_FILE": "/dev/zero", "NOVELAI_TOKENS": ""}, "cannot be read"),
    ],
)
async def test_odd_values_are_answered_in_words(tmp_path: Path, environ: dict[str, str], words: str) -> None:
    """By `check` and by `run` alike, and `run` says that starting again cannot help."""
    env = {"PATH": os.environ["PATH"], **PRACTICE, **NOWHERE, **environ}
    code, out = await _check(tmp_path, "--offline", **{**PRACTICE, **NOWHERE, **environ})
    ran, _, err = await naibot("run", "--data", str(tmp_path), env=env)

    assert (PROBLEM, True) == (code, words in out)
    assert (78, True, False) == (ran, words in err, "Traceback" in err)


async def test_a_byte_order_mark_is_no_part_of_a_token(tmp_path: Path) -> None:
    """As some editors put it in front of every file."""
    file = tmp_path / "token"
    file.write_bytes(b"\xef\xbb\xbf" + REAL_TOKEN.encode() + b"\r\n")
    file.chmod(0o600)
    code, out = await _check(tmp_path, "--offline", DISCORD_TOKEN_FILE=str(file), NOVELAI_TOKENS="pst-abcdefgh")

    assert (FINE, False) == (code, "does not look like" in out)


async def test_a_servers_damaged_settings_are_named_and_the_rest_is_checked(tmp_path: Path) -> None:
    """One row that cannot be read does not hide the ledger."""
    store = await open_store(tmp_path)
    await store.save(5, GuildConfig(), time.time())
    await store.close()
    with closing(sqlite3.connect(tmp_path / "naibot.sqlite3")) as writing:
        writing.execute("UPDATE guilds SET config = '{'")
        writing.commit()
    code, out, _ = await naibot("check", "--ledger", "--data", str(tmp_path))

    assert (PROBLEM, True) == (code, "guild 5: settings that cannot be read" in out)
