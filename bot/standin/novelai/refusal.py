"""How the service says no."""

from collections.abc import Mapping
from typing import Any

MESSAGES: Mapping[int, str] = {
    400: "Validation error",
    401: "Invalid accessToken",
    402: "Not enough Anlas",
    403: "Forbidden",
    404: "Not Found",
    409: "Concurrent generation is locked",
    413: "Request entity too large",
    429: "Concurrent generation is locked",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class ServiceError(Exception):
    """An answer in the service's own form: ``{statusCode, message, details?}`` (nai-api.md 7)."""

    def __init__(self, status: int, message: str | None = None, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message or MESSAGES[status])
        self.status = status
        self.details = details

    def as_json(self) -> dict[str, Any]:
        """The body of the answer."""
        details = {} if self.details is None else {"details": self.details}
        return {"statusCode": self.status, "message": str(self), **details}


def invalid(what: str) -> ServiceError:
    """400: a field is not what it must be."""
    return ServiceError(400, f"Validation error: {what}")


def broken() -> ServiceError:
    """500: what the service does not check and then trips over."""
    return ServiceError(500)
