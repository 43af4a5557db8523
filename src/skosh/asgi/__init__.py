"""Serve a folder of ``.skosh`` files over HTTP: ``app = skosh.asgi.Pictures("photos")`` is an ASGI 3 application.

Clients that know ``image/x-skosh`` get the stored file, others AVIF, WebP or JPEG. ``docs/serving.md`` has an example.
"""

from .app import Pictures
from .options import Options

__all__ = ["Options", "Pictures"]
