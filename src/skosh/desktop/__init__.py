"""What freedesktop desktops need to know ``.skosh`` files: their type, thumbnails of them, and lines for ``file``.

``skosh desktop install`` writes these files, and ``docs/desktop.md`` says where.
"""
