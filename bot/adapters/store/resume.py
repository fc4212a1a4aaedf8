"""The operator's word that a stopped account may work again, written beside a bot that may be running."""

import time
from pathlib import Path

from bot.adapters.store.audit import note_record
from bot.adapters.store.database import FILE, is_file
from bot.adapters.store.driver import Session, unbroken
from bot.adapters.store.migrate import check_schema, shipped_steps
from bot.adapters.store.sqlite import SqliteSession, connect
from bot.domain.errors import StoreError
from bot.domain.record import Record
from bot.ports import ACCOUNT_STOPPED


async def resume(folder: Path, account: str, url: str | None = None) -> bool:
    """
    Let *account* work again; False where it is not stopped. A running bot learns of it within a minute.

    Not `open_store`: that would take the folder from the bot. One short transaction is safe beside its writer.
    Raises `StoreError`: ``store.missing``, ``store.newer``, ``store.tampered``, ``store.broken``, ``store.away``,
    ``store.driver``.
    """
    if url is not None:
        return await _resume_shared(url, account)
    if not is_file(folder / FILE):
        raise StoreError("store.missing")
    session = await connect(folder / FILE, writable=True)
    try:
        if not await check_schema(session, shipped_steps()):
            raise StoreError("store.missing")
        return await _lift_alone(session, account)
    finally:
        await unbroken(session.close())


async def _resume_shared(url: str, account: str) -> bool:
    try:
        from bot.adapters.store.postgres import open_postgres
    except ImportError as error:
        raise StoreError("store.driver") from error
    database = await open_postgres(url, None)
    try:
        async with database.tx() as session:
            if not await check_schema(session, shipped_steps()):
                raise StoreError("store.missing")
            return await _lift(session, account)
    finally:
        await database.close()


async def _lift_alone(session: SqliteSession, account: str) -> bool:
    await session.run("BEGIN IMMEDIATE")
    try:
        lifted = await _lift(session, account)
        await session.run("COMMIT")
    except BaseException:
        await unbroken(session.rows("ROLLBACK"))
        raise
    return lifted


async def _lift(session: Session, account: str) -> bool:
    key = ACCOUNT_STOPPED + account
    lifted = await session.run("UPDATE meta SET value = '' WHERE key = ? AND value <> ''", key) > 0
    if lifted:
        await note_record(session, Record(at=time.time(), kind="account.resumed", data={"account": account}))
    return lifted
