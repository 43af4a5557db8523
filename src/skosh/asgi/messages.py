"""Requests and answers as ASGI has them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True)
class Request:
    """What is read of a request."""

    path: str  # decoded, below the application
    width: str | None  # of the query
    accept: str | None
    if_none_match: str | None


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusalError(Exception):
    """An answer without a picture, raised where it is found out."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str] | None = None):
        plain = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"}
        self.answer = Answer(status, f"{text}\n".encode(), {**plain, **(headers or {})})


def request_of(scope: Scope) -> Request:
    """Return what is read of a request, from its ASGI scope."""
    root, path = scope.get("root_path", "").rstrip("/"), scope["path"]
    if path.startswith(f"{root}/"):  # where another application has mounted this one
        path = path.removeprefix(root)
    query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))
    given: dict[bytes, list[str]] = {}
    for name, value in scope["headers"]:
        given.setdefault(name, []).append(value.decode("latin-1"))
    lists = {name: ", ".join(values) for name, values in given.items()}
    return Request(path, query.get("width"), lists.get(b"accept"), lists.get(b"if-none-match"))


async def respond(answer: Answer, head: bool, send: Send) -> None:
    """Send an answer; to HEAD without its content."""
    headers = {"x-content-type-options": "nosniff", **answer.headers}
    if answer.status != 304:
        headers["content-length"] = str(len(answer.content))
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if head else answer.content})
