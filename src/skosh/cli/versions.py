"""What ``skosh -V -v`` shows."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("numpy", "pillow", "onnxruntime", "constriction", "typer", "rich", "torch")


def versions() -> list[str]:
    """A line for Python, one for each package, for the range coder in use, and for every installed model."""
    from ..bundle.manifest import installed
    from ..entropy.rangecoder import backend

    found = {name: version_of(name) for name in PACKAGES}
    rows = [("python", f"{platform.python_version()}, {platform.system()} {platform.machine()}")]
    rows += [(name, number or "not installed") for name, number in found.items()]
    rows.append(("range coder", backend().NAME))
    rows += [("model", f"{name} {one['version']}, id {one['model_id']}") for name, _, one in installed()]
    return [f"  {name:<12} {text}" for name, text in rows]


def version_of(package: str) -> str | None:
    """The version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
