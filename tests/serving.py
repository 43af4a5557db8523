"""A real server around an application, and a client that sends paths as they are."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn

SECONDS = 60  # patience with a server


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True)
class Client:
    port: int

    def ask(self, path: str, *headers: tuple[str, str], method: str = "GET") -> Response:
        """One request over a connection of its own; a name of ``headers`` may stand there twice."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders()
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Response(response.status, found, response.read())

    def get(self, path: str, accept: str | None = None, method: str = "GET", **headers: str) -> Response:
        """``headers`` with underscores for hyphens."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask(path, *given.items(), *([] if accept is None else [("Accept", accept)]), method=method)


@contextlib.contextmanager
def served(app: Any, **settings: Any) -> Iterator[Client]:
    """Run uvicorn in a thread, on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", ws="none", **settings)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield Client(listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(SECONDS)
    assert not thread.is_alive()
