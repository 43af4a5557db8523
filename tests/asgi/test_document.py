"""The example of docs/serving.md, as its reader runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from PIL import Image

import skosh
from serving import SECONDS, Client

PAGE = Path(__file__).parents[2] / "docs" / "serving.md"


def test_the_example_serves_a_folder(tmp_path: Path, photo: Image.Image) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "gallery.py").write_text(code)
    (tmp_path / "photos").mkdir()
    stored = skosh.encode(photo.resize((400, 266)), 20)
    (tmp_path / "photos" / "cat.skosh").write_bytes(stored)
    call = [sys.executable, "-m", "uvicorn", "gallery:app", "--port", "0"]
    with subprocess.Popen(call, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            lines = iter(server.stderr.readline, "")
            port = next(found[1] for line in lines if (found := re.search(r"running on http://[\d.]+:(\d+)", line)))
            client = Client(int(port))
            assert client.get("/cat", "image/x-skosh").body == stored
            for path, accept, kind in (
                ("/cat", "image/webp", "image/webp"),
                ("/cat?width=320", "image/avif,image/webp,*/*;q=0.8", "image/avif"),
                ("/cat", "*/*", "image/jpeg"),
            ):
                response = client.get(path, accept)
                assert (response.status, response.headers["content-type"]) == (200, kind)
        finally:
            server.terminate()
            server.wait(SECONDS)
