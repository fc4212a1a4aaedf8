"""Command definitions: unique names, order of options, sizes and counts."""

from typing import Any

from bot.standin.discord.errors import ApiError, invalid

Json = dict[str, Any]

SIZE_MAX = 8_000
COUNTS = {1: 100, 2: 15, 3: 15}


def check(commands: list[Json]) -> None:
    """Refuse definitions that Discord refuses."""
    names: dict[int, list[str]] = {}
    for n, command in enumerate(commands):
        if not isinstance(command, dict) or not isinstance(command.get("name"), str):
            raise invalid(f"{n}.name", "BASE_TYPE_REQUIRED", "This field is required")
        names.setdefault(command.get("type", 1), []).append(command["name"])
        _check_order(f"{n}.options", command.get("options") or [])
        if _size(command) > SIZE_MAX:
            raise invalid(str(n), "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)")
    for kind, most in COUNTS.items():
        found = names.get(kind, [])
        if len(found) != len(set(found)):
            raise invalid("name", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
        if len(found) > most:
            raise ApiError(400, 30032, f"Maximum number of application commands reached ({most})")


def _check_order(path: str, options: list[Json]) -> None:
    if len(options) > 25:
        raise invalid(path, "BASE_TYPE_BAD_LENGTH", "Must be 25 or fewer in length.")
    required = [bool(option.get("required")) for option in options]
    if required != sorted(required, reverse=True):
        code = "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID"
        raise invalid(path, code, "Required options must be placed before non-required options")
    for n, option in enumerate(options):
        if not 1 <= len(option.get("description") or "-") <= 100:
            raise invalid(f"{path}.{n}.description", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
        _check_order(f"{path}.{n}.options", option.get("options") or [])


def _size(part: Json) -> int:
    choices = part.get("choices") or []
    return (
        len(part.get("name", ""))
        + len(part.get("description") or "")
        + sum(len(str(choice.get("name", ""))) + len(str(choice.get("value", ""))) for choice in choices)
        + sum(_size(option) for option in part.get("options") or [])
    )


def registered(command: Json, id_: int, version: int, application: int) -> Json:
    """A definition as Discord gives it back."""
    permissions = command.get("default_member_permissions")
    kept = {name: value for name, value in command.items() if value is not None}
    return kept | {
        "id": str(id_),
        "application_id": str(application),
        "version": str(version),
        "type": command.get("type", 1),
        "description": command.get("description") or "",
        "nsfw": bool(command.get("nsfw")),
        "default_member_permissions": None if permissions is None else str(permissions),
    }
