"""What ``skosh -V -v`` shows."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("numpy", "pillow", "onnxruntime", "constriction", "numba", "typer", "rich", "torch")


def versions() -> list[str]:
    """Return lines for Python, each package, the range coder in use and every installed model."""
    from ..bundle.manifest import installed
    from ..entropy.rangecoder import backend

    found = {name: version_of(name) for name in PACKAGES}
    rows = [("python", f"{platform.python_version()}, {platform.system()} {platform.machine()}")]
    rows += [(name, number or "not installed") for name, number in found.items()]
    rows.append(("range coder", backend().NAME))
    rows += [("model", f"{name} {one['version']}, id {one['model_id']}") for name, _, one in installed()]
    return [f"  {name:<12} {text}" for name, text in rows]


def version_of(package: str) -> str | None:
    """Return the version of an installed package, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
