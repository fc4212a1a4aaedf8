"""What Discord refuses, as its own error bodies: status, code, message, and the tree of invalid fields."""

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """An answer in Discord's own form."""

    def __init__(self, status: int, code: int, message: str, errors: dict[str, Any] | None = None) -> None:
        super().__init__(f"{status}/{code} {message} {errors or ''}")
        self.status = status
        self.code = code
        self.body: dict[str, Any] = {"message": message, "code": code}
        if errors:
            self.body["errors"] = errors


def invalid(path: str, code: str, message: str) -> ApiError:
    """Invalid Form Body at *path* (``data.components.0``)."""
    tree: dict[str, Any] = {"_errors": [{"code": code, "message": message}]}
    for part in reversed([part for part in path.split(".") if part]):
        tree = {part: tree}
    return ApiError(400, 50035, "Invalid Form Body", tree)


def check_types(path: str, part: Mapping[str, Any], kinds: Mapping[str, type]) -> None:
    """Refuse fields that are there and not of their kind; null is as good as absent."""
    for name, kind in kinds.items():
        if part.get(name) is not None and not isinstance(part[name], kind):
            raise invalid(f"{path}.{name}", "BASE_TYPE_CONVERT", f"Only a {kind.__name__} may be used here")


def unauthorized() -> ApiError:
    """The token is not the application's."""
    return ApiError(401, 0, "401: Unauthorized")


def not_in_the_standin(method: str, path: str) -> ApiError:
    """A route that nobody needed yet; it names itself."""
    return ApiError(404, 0, f"404: Not Found ({method} {path[:200]} is not in the stand-in)")


def unknown_channel() -> ApiError:
    """There is no such channel."""
    return ApiError(404, 10003, "Unknown Channel")


def unknown_guild() -> ApiError:
    """There is no such server, or the application is not in it."""
    return ApiError(404, 10004, "Unknown Guild")


def unknown_member() -> ApiError:
    """There is no such person in that server."""
    return ApiError(404, 10007, "Unknown Member")


def unknown_message() -> ApiError:
    """There is no such message, or it cannot be reached this way."""
    return ApiError(404, 10008, "Unknown Message")


def unknown_emoji() -> ApiError:
    """That is no emoji."""
    return ApiError(400, 10014, "Unknown Emoji")


def unknown_webhook() -> ApiError:
    """No interaction of that token can be answered by follow-up."""
    return ApiError(404, 10015, "Unknown Webhook")


def unknown_interaction() -> ApiError:
    """Too late: three seconds have passed."""
    return ApiError(404, 10062, "Unknown interaction")


def acknowledged_already() -> ApiError:
    """A second first answer."""
    return ApiError(400, 40060, "Interaction has already been acknowledged.")


def token_expired() -> ApiError:
    """Fifteen minutes have passed."""
    return ApiError(401, 50027, "Invalid Webhook Token")


def missing_access() -> ApiError:
    """The application does not see this channel."""
    return ApiError(403, 50001, "Missing Access")


def not_the_author() -> ApiError:
    """Only the author edits a message."""
    return ApiError(403, 50005, "Cannot edit a message authored by another user")


def too_many_followups() -> ApiError:
    """Five further messages are all that an interaction has where the application is only somebody's own."""
    return ApiError(403, 40094, "This interaction has reached the maximum number of follow-up messages")


def no_history() -> ApiError:
    """The application may not read what it would answer."""
    return ApiError(400, 160002, "Cannot reply without permission to read message history")


def cannot_message() -> ApiError:
    """The person takes no direct messages."""
    return ApiError(403, 50007, "Cannot send messages to this user")


def missing_permissions() -> ApiError:
    """The application sees the channel and may not do this in it."""
    return ApiError(403, 50013, "Missing Permissions")


def bad_json() -> ApiError:
    """The body is not what it says it is."""
    return ApiError(400, 50109, "The request body contains invalid JSON.")


def not_a_snowflake(text: str) -> ApiError:
    """An id in the address that is none."""
    return ApiError(400, 50035, f'Invalid Form Body: value "{text[:40]}" is not snowflake.')


def empty_message() -> ApiError:
    """Nothing to show."""
    return ApiError(400, 50006, "Cannot send an empty message")


def too_large() -> ApiError:
    """A file over the limit."""
    return ApiError(413, 40005, "Request entity too large")
