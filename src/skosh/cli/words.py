"""Format amounts for people."""

from __future__ import annotations


def size(count: float) -> str:
    """Format bytes: 812 B, 214 kB, 3.1 MB."""
    if count < 1000:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 999.5 or unit == "GB":
            break
    return f"{count:.1f} {unit}" if count < 9.95 else f"{count:,.0f} {unit}"


def duration(seconds: float) -> str:
    """Format seconds: 0.8 s, 34 s, 2 min 3 s, 1 h 4 min."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def shrunk(before: int, after: int) -> str:
    """Format a change of size: 3.1 MB -> 214 kB (-93 %)."""
    text = f"{size(before)} -> {size(after)}"
    if not before:
        return text
    percent = 100 * (after - before) / before
    digits = 1 if -100 < percent < -99 else 0  # never -100 %: something is left
    return f"{text} ({round(percent, digits) or 0:+.{digits}f} %)"
