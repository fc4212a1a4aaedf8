"""Settings: every problem at once, secrets never shown, practice and reality never mixed."""

from pathlib import Path

import pytest

from bot import wording
from bot.domain.shards import Shards
from bot.logs import Redactor
from bot.settings import Unfit, read_settings

REAL = {"DISCORD_TOKEN": "MTIz.real.token", "NOVELAI_TOKENS": "pst-real"}
PRACTICE = {
    "DISCORD_TOKEN": "practice-room",
    "NOVELAI_TOKENS": "pst-standin",
    "DISCORD_API": "http://127.0.0.1:5000/api/v10",
    "DISCORD_GATEWAY": "ws://127.0.0.1:5000/gateway",
    "NOVELAI_API": "http://127.0.0.1:5000",
}


def _problems(environ: dict[str, str]) -> set[str]:
    with pytest.raises(Unfit) as caught:
        read_settings(environ)
    assert all(wording.explain(code, data) for code, data in caught.value.problems)
    return {code for code, _ in caught.value.problems}


def test_the_defaults_are_the_careful_ones() -> None:
    """Two tokens are enough, and then nothing is spent and nothing drawn in direct messages."""
    settings = read_settings(REAL)

    assert (True, False, Path("data")) == (settings.house.never_spend, settings.house.direct, settings.data_dir)
    assert not settings.is_practice


def test_every_problem_is_reported_at_once() -> None:
    """One start, one list."""
    wrong = {
        "NEVER_SPEND": "maybe",
        "GUILDS": "lantern",
        "OPERATOR_CHANNEL": "#ops",
        "RETENTION_DAYS": "-3",
        "LOG_LEVEL": "LOUD",
    }

    kinds = ("missing", "switch", "ids", "id", "number", "choice")
    assert {f"settings.{kind}" for kind in kinds} == _problems(wrong)


def test_the_operator_says_who_they_are_and_where_they_are_told() -> None:
    """Ids; without them the application's owner, by direct message."""
    told = {"OPERATORS": "5, 6", "OPERATOR_GUILD": "7", "OPERATOR_CHANNEL": "8"}
    house = read_settings(REAL | told).house

    assert (frozenset({5, 6}), 7, 8) == (house.operators, house.operator_guild, house.operator_channel)
    none = read_settings(REAL).house
    assert (frozenset(), None, None) == (none.operators, none.operator_guild, none.operator_channel)


def test_a_real_token_never_goes_to_a_pretended_discord_nor_the_reverse() -> None:
    """Practice and reality are told apart before anything is sent."""
    assert {"settings.mixed"} == _problems(PRACTICE | {"DISCORD_TOKEN": "MTIz.real.token"})
    assert {"settings.mixed"} == _problems(REAL | {"DISCORD_TOKEN": "practice-room"})


def test_addresses_are_the_real_ones_or_this_machine() -> None:
    """A token is never sent to a third place."""
    assert {"settings.address"} == _problems(REAL | {"NOVELAI_API": "https://example.com"})
    assert {"settings.address"} == _problems(REAL | {"DISCORD_API": "http://discord.com.example.com/api"})


def test_seed_and_backstage_belong_to_the_practice_room(tmp_path: Path) -> None:
    """Neither exists with a real Discord, and a seed has to be there."""
    assert {"settings.loopback"} == _problems(REAL | {"SEED": "seed.json"})
    assert {"settings.loopback"} == _problems(REAL | {"BACKSTAGE_URL": "http://127.0.0.1:1/"})
    seed = tmp_path / "seed.json"
    assert {"settings.file"} == _problems(PRACTICE | {"SEED": str(seed)})
    seed.write_text("{}")
    assert seed == read_settings(PRACTICE | {"SEED": str(seed)}).seed


def test_secrets_come_from_files_and_never_show(tmp_path: Path) -> None:
    """NAME_FILE is read, its line break cut, and no repr holds a secret."""
    (tmp_path / "token").write_text("MTIz.secret.token\n")

    settings = read_settings({"DISCORD_TOKEN_FILE": str(tmp_path / "token"), "NOVELAI_TOKENS": "pst-a, pst-b"})

    assert "MTIz.secret.token" == settings.discord_token
    assert ("pst-a", "pst-b") == settings.novelai_tokens
    assert "secret" not in repr(settings)
    assert "pst-" not in repr(settings)


def test_a_secret_set_twice_is_a_problem(tmp_path: Path) -> None:
    """Two sources that may disagree are refused."""
    (tmp_path / "token").write_text("x")

    assert "settings.both" in _problems(REAL | {"DISCORD_TOKEN_FILE": str(tmp_path / "token")})


def test_shards_are_numbers_and_spans() -> None:
    """Without any, this process serves them all."""
    url = {"DATABASE_URL": "postgresql://u:p@db/naibot"}
    for count, ids, mine in (("", "", (0,)), ("3", "", (0, 1, 2)), ("9", "0-2,8 4", (0, 1, 2, 4, 8)), ("2", "1", (1,))):
        shards = read_settings(REAL | url | {"SHARD_COUNT": count, "SHARD_IDS": ids}).house.shards
        assert mine == shards.mine
    assert [True, False, False] == [Shards(count=3, ids=(0, 2)).serve(id_) for id_ in (0, 1 << 22, 7 << 22)]


@pytest.mark.parametrize("ids", ["3", "1-3", "2-1", "-1", "a", "1-", "0--1", "٣", "99999"])
def test_a_shard_that_is_not_there_is_refused(ids: str) -> None:
    """They are counted from 0."""
    assert {"settings.shards"} == _problems(REAL | {"SHARD_COUNT": "3", "SHARD_IDS": ids})


def test_who_leaves_shards_to_others_needs_their_database() -> None:
    """SQLite is one process's."""
    assert {"settings.alone"} == _problems(REAL | {"SHARD_COUNT": "3", "SHARD_IDS": "0-1"})
    assert read_settings(REAL | {"SHARD_COUNT": "3", "SHARD_IDS": "0-2"}).house.shards.are_all


@pytest.mark.parametrize("url", ["mysql://u@h/d", "naibot", "postgresql://h:port/d", "postgresql://u:p@h"])
def test_a_database_that_is_none_is_refused_unread(url: str) -> None:
    """PostgreSQL, and with a name."""
    assert {"settings.database"} == _problems(REAL | {"DATABASE_URL": url})


def test_the_databases_password_is_a_secret(tmp_path: Path) -> None:
    """From a file too; never shown, whichever way it is written."""
    file = tmp_path / "url"
    file.write_text("postgresql://naibot:s3cr%40t-word@db/naibot\n")
    settings = read_settings(REAL | {"DATABASE_URL_FILE": str(file)})
    redact = Redactor(settings.secrets)

    assert settings.database_url == "postgresql://naibot:s3cr%40t-word@db/naibot"
    assert "s3cr" not in repr(settings)
    for text in (settings.database_url, "password s3cr@t-word", "s3cr%40t-word"):
        assert "s3cr" not in redact(f"no: {text}!")
