"""
The PostgreSQL server of the tests: ``NAIBOT_TEST_POSTGRES``, or the one on this machine that trusts `postgres`.

One database for each run, dropped at its end, and in it a schema for each folder of a test.
"""

import asyncio
import atexit
import hashlib
import os
import secrets
from collections.abc import Coroutine
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any

import asyncpg
import pytest

SERVER = os.environ.get("NAIBOT_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
PREFIX = "naibot_test_"


def _apart(work: Coroutine[Any, Any, Any]) -> Any:
    """Run *work* in a loop of its own, also where one runs already."""
    answers: list[Any] = []
    thread = Thread(target=lambda: answers.append(asyncio.run(work)))
    thread.start()
    thread.join()
    return answers[0] if answers else None


async def _do(address: str, sql: str) -> bool:
    try:
        connection = await asyncpg.connect(address, timeout=3)
    except (OSError, asyncpg.PostgresError):
        return False
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
    return True


@cache
def is_there() -> bool:
    """Whether the server answers."""
    return bool(_apart(_do(f"{SERVER}/postgres", "SELECT 1")))


needed = pytest.mark.skipif(not is_there(), reason="no PostgreSQL server")


@cache
def _database() -> str:
    name = f"{PREFIX}{secrets.token_hex(6)}"
    _apart(_do(f"{SERVER}/postgres", f"CREATE DATABASE {name}"))
    atexit.register(lambda: _apart(_do(f"{SERVER}/postgres", f"DROP DATABASE {name} WITH (FORCE)")))
    return name


@cache
def url_of(folder: Path) -> str:
    """The address of a schema that belongs to *folder*, empty at first; commits do not wait for the disk."""
    schema = f"s_{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
    address = f"{SERVER}/{_database()}"
    _apart(_do(address, f"CREATE SCHEMA IF NOT EXISTS {schema}"))
    return f"{address}?search_path={schema}&synchronous_commit=off"
