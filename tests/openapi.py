"""Judges what bot and stand-in say to each other by Discord's own description of its REST API."""

import json
from functools import cache
from typing import Any

import jsonschema_rs

from tests.shared import shared

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class BadReply(AssertionError):
    """The stand-in answered something that Discord never would."""


class OpenApi:
    """Implements `bot.standin.discord.rest.Judge`; skips the test where the description is not there."""

    def __init__(self) -> None:
        # Here and not at the first use: there it would skip inside a request instead of in the test.
        _description()
        self.judged = 0
        self.wrong: list[str] = []

    def request(self, operation: str, body: object) -> tuple[str, str, str] | None:
        """Path, code and message of the deepest error of a request body; None when it is well formed."""
        self.judged += 1
        error = _deepest(_validator(operation, None), body)
        if error is not None:
            self.wrong.append(f"{operation}: {error}")
        return error

    def reply(self, operation: str, body: object) -> None:
        """Note where a reply is not what the description says; the test looks at the end."""
        self.judged += 1
        error = _deepest(_validator(operation, "200"), body)
        if error is not None:
            self.wrong.append(f"reply of {operation}: {error}")


def _deepest(validator: Any, body: object) -> tuple[str, str, str] | None:
    if validator.is_valid(body):
        return None
    errors = [_inner(error) for error in validator.iter_errors(body)]
    worst = max(errors, key=lambda error: len(error.instance_path))
    return ".".join(map(str, worst.instance_path)), "SCHEMA", worst.message[:300]


def _inner(error: Any) -> Any:
    """A union hides the cause: the deepest error of its branches is the one to read."""
    inner = [branch for context in getattr(error.kind, "context", None) or [] for branch in context]
    return max([error, *map(_inner, inner)], key=lambda each: len(each.instance_path))


@cache
def _description() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(shared("data/discord-openapi.json").read_text())
    # Discord takes ids as numbers too.
    document["components"]["schemas"]["SnowflakeType"] = {
        "anyOf": [{"type": "string", "pattern": "^(0|[1-9][0-9]*)$"}, {"type": "integer", "minimum": 0}]
    }
    return document


@cache
def _validator(operation: str, status: str | None) -> Any:
    document = _description()
    found = next(
        op
        for path in document["paths"].values()
        for op in path.values()
        if isinstance(op, dict) and op.get("operationId") == operation
    )
    part = found["requestBody"] if status is None else found["responses"][status]
    schema = part["content"]["application/json"]["schema"]
    return jsonschema_rs.validator_for(
        {"$schema": DIALECT, **schema, "components": document["components"]}, validate_formats=False
    )
