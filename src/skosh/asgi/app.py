"""The application: from a request to the answer."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Hashable
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import IO

from ..errors import FormatError, LimitError, SkoshError, describe
from .accept import BY_NAME_ONLY, matches, preferred
from .messages import Answer, Receive, RefusalError, Request, Scope, Send, request_of, respond
from .options import Options
from .stored import Facts, Folder, content, signature
from .transcode import Kind, possible, tag_of, transcode
from .work import BusyError, Work, awaited

log = logging.getLogger("skosh.asgi")
VARY = {"vary": "Accept"}


@dataclass(frozen=True)
class Order:
    """A picture that still has to be transcoded."""

    data: bytes  # of the stored file
    file: Hashable  # its signature
    kind: Kind
    width: int | None  # pixels, None for its own
    path: str  # for the log


class Pictures:
    """An ASGI 3 application that answers requests for the pictures in a folder of ``.skosh`` files."""

    def __init__(self, folder: str | os.PathLike[str], options: Options | None = None):
        """Raises OSError unless ``folder`` is a folder."""
        self.options = options or Options()
        self.folder = Folder(folder, self.options.max_pixels)
        self.work = Work(self.options.decodes, self.options.waiting, self.options.cache_bytes)
        self._widths: dict[str | None, int | None] = {
            None: None,
            **{str(width): width for width in self.options.widths},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or the server's start and end."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await respond(await self._answer(scope), scope["method"] == "HEAD", send)
        else:
            raise ValueError(f"this application serves http, not {scope['type']}")

    async def _live(self, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        self.work.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope) -> Answer:
        try:
            if scope["method"] not in ("GET", "HEAD"):
                raise RefusalError(405, "pictures can only be read", {"allow": "GET, HEAD"})
            answer, order = await asyncio.to_thread(self._find, request_of(scope))
            if order is None:
                return answer
            return Answer(200, await self._transcoded(answer.headers["etag"], order), answer.headers)
        except RefusalError as refusal:
            return refusal.answer

    def _find(self, request: Request) -> tuple[Answer, Order | None]:
        """Return the answer and, where its content has to be made yet, from what. Raises RefusalError."""
        if request.width not in self._widths:
            raise RefusalError(404, "no such width")
        width = self._widths[request.width]
        try:
            file = self.folder.open(request.path)
        except FileNotFoundError:
            raise RefusalError(404, "no such picture") from None
        with file:
            facts = self._facts(file, request.path)
            kind = self._choose(facts, width, request)
            tag = f'"{facts.digest[:32]}"' if kind is None else tag_of(facts, kind, width, self.options)
            headers = {"etag": tag, **VARY}
            if self.options.cache_control is not None:
                headers["cache-control"] = self.options.cache_control
            if matches(request.if_none_match, tag):
                return Answer(304, headers=headers), None
            headers["content-type"] = BY_NAME_ONLY if kind is None else kind.media_type
            made = content(file) if kind is None else self.work.result(tag)
            if kind is None or made is not None:
                return Answer(200, made or b"", headers), None
            return Answer(200, headers=headers), Order(content(file), signature(file), kind, width, request.path)

    def _facts(self, file: IO[bytes], path: str) -> Facts:
        try:
            return self.folder.facts(file)
        except FormatError as error:
            log.error("%r can't be served: %s", path, describe(error))
            raise RefusalError(500, "this picture is damaged") from None

    def _choose(self, facts: Facts, width: int | None, request: Request) -> Kind | None:
        """Return the kind to send, None for the stored file, which has one width only. Raises RefusalError."""
        kinds: dict[str, Kind | None] = {} if width else {BY_NAME_ONLY: None}
        kinds |= {kind.media_type: kind for kind in possible(facts, width, self.options)}
        chosen = preferred(request.accept, list(kinds))
        if chosen is not None:
            return kinds[chosen]
        if not facts.decodable:
            log.warning("%r is over the limits: %d x %d pixels", request.path, facts.width, facts.height)
        raise RefusalError(406, f"this picture can be had as: {', '.join(kinds) or 'nothing else'}", VARY)

    async def _transcoded(self, tag: str, order: Order) -> bytes:
        later = {"retry-after": str(self.options.retry_after), **VARY}
        try:
            return await awaited(self.work.start(tag, lambda: self._make(order)), self.options.timeout)
        except BusyError:
            raise RefusalError(503, "too many pictures are being decoded", later) from None
        except (TimeoutError, CancelledError):
            raise RefusalError(503, "this picture is still being decoded", later) from None
        except (LimitError, MemoryError):
            raise RefusalError(503, "there is not enough memory for this picture now", later) from None
        except Exception:  # _make has logged it
            raise RefusalError(500, "this picture can't be decoded", VARY) from None

    def _make(self, order: Order) -> bytes:
        """Transcode, in a thread of ``work``, and log what comes of it: once, however many wait for it."""
        start = time.perf_counter()
        try:
            made = transcode(order.data, order.kind, order.width, self.options)
        except SkoshError as error:
            if isinstance(error, FormatError):
                self.folder.blame(order.file, error)
            log.error("%r can't be sent as %s: %s", order.path, order.kind.media_type, describe(error))
            raise
        except Exception:
            log.exception("%r can't be sent as %s", order.path, order.kind.media_type)
            raise
        spent = time.perf_counter() - start
        log.info("%r as %s: %d bytes in %.2f s", order.path, order.kind.media_type, len(made), spent)
        return made
