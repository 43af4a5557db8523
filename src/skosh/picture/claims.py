"""What XMP claims of parts that a ``.skosh`` file does not hold: a gain map, a film, a depth map. It is cut out, and the rest stays byte by byte."""

from __future__ import annotations

import re
from xml.parsers import expat

from .xmp import in_utf8, layout

MAX_EDITED = 1 << 20  # bytes: a larger packet that claims what is not kept is left out, as XML takes its time


# Parts, as notes call them.
GAIN_MAP, VIDEO, DEPTH, SOUND, EXTENDED, OTHER = (
    *("gain map", "video", "depth map", "sound", "extended XMP", "further pictures"),
)


# By namespace: how the names begin that claim a part, and which. "" is a list of parts, which names them one by one.
CLAIMS: dict[str, tuple[tuple[str, ...], str]] = {
    "http://ns.adobe.com/hdr-gain-map/1.0/": (("",), GAIN_MAP),
    "http://ns.apple.com/HDRGainMap/1.0/": (("",), GAIN_MAP),
    "http://ns.google.com/photos/1.0/camera/": (("MotionPhoto", "MicroVideo"), VIDEO),
    "http://ns.google.com/photos/1.0/container/": (("",), ""),
    "http://ns.google.com/photos/1.0/container/item/": (("",), ""),
    "http://ns.google.com/photos/1.0/depthmap/": (("",), DEPTH),
    "http://ns.google.com/photos/dd/1.0/": (("",), DEPTH),  # and all below it
    "http://ns.google.com/photos/1.0/image/": (("",), OTHER),
    "http://ns.google.com/photos/1.0/audio/": (("",), SOUND),
    "http://ns.adobe.com/xmp/note/": (("HasExtendedXMP",), EXTENDED),
}


PREFIXES = {  # where a packet does not declare them
    "hdrgm": "http://ns.adobe.com/hdr-gain-map/1.0/",
    "HDRGainMap": "http://ns.apple.com/HDRGainMap/1.0/",
    "GCamera": "http://ns.google.com/photos/1.0/camera/",
    "Container": "http://ns.google.com/photos/1.0/container/",
    "GContainer": "http://ns.google.com/photos/1.0/container/",
    "Item": "http://ns.google.com/photos/1.0/container/item/",
    "GContainerItem": "http://ns.google.com/photos/1.0/container/item/",
    "GDepth": "http://ns.google.com/photos/1.0/depthmap/",
    "GImage": "http://ns.google.com/photos/1.0/image/",
    "GAudio": "http://ns.google.com/photos/1.0/audio/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
}


SEMANTICS = {"GainMap": GAIN_MAP, "MotionPhoto": VIDEO, "Depth": DEPTH, "Primary": ""}


NONE = ("0", "False", "false")  # values that claim nothing


SIGNS = re.compile(
    rb"hdr-gain-map|HDRGainMap|ns\.google\.com/photos|ns\.adobe\.com/xmp/note/|"
    + "|".join(f"{prefix}:" for prefix in PREFIXES).encode()
)


TAG = re.compile(rb"""<[^<>"']*(?:(?:"[^"]*"|'[^']*')[^<>"']*)*>""")


ATTRIBUTE = re.compile(rb"""\s+([^\s=<>"'/]+)\s*=\s*("[^"]*"|'[^']*')""")


def without_claims(xmp: bytes) -> tuple[bytes | None, set[str]]:
    """XMP that claims no part that is not kept, and which parts it claimed; None for it where it can't be edited.

    What claims nothing comes back as it is, byte by byte.
    """
    width, low = layout(xmp)
    if not SIGNS.search(xmp[low::width]):
        return xmp, set()
    packet = in_utf8(xmp)
    if packet is None or len(packet) > MAX_EDITED:
        return None, set()
    try:
        finder = Finder(packet)
        if not finder.cuts:
            return xmp, set()
        edited = _cut(packet, finder.cuts)
        return (None if Finder(edited).cuts else edited), finder.claims
    except expat.ExpatError:
        return None, set()


def _cut(packet: bytes, cuts: list[tuple[int, int]]) -> bytes:
    parts, at = [], 0
    for start, end in sorted(cuts):
        if start >= at:
            parts.append(packet[at:start])
        at = max(at, end)
    return b"".join([*parts, packet[at:]])


class Finder:
    """Where the claims of a packet stand. Raises ExpatError for what is no XML and for a document type, which no packet needs."""

    def __init__(self, packet: bytes):
        self.packet = packet
        self.cuts: list[tuple[int, int]] = []  # from byte to byte
        self.claims: set[str] = set()
        self.spaces = dict(PREFIXES)  # prefix -> namespace
        self.depth = 0
        self.cut_from: tuple[int, int] | None = None  # depth and byte of the element that is being cut
        self.words = ""  # of the element that is open
        self.parser = expat.ParserCreate("utf-8")
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.buffer_text = True
        self.parser.Parse(packet, True)

    def _refuse(self, *_: object) -> None:
        raise expat.ExpatError("a document type")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        for key, value in attributes.items():
            if key.startswith("xmlns:"):
                self.spaces[key[6:]] = value
        at = self.parser.CurrentByteIndex
        self.depth, self.words = self.depth + 1, ""
        if self._is_claim(name) and self.cut_from is None:
            self.cut_from = self.depth, at
        claimed = [key for key, value in attributes.items() if self._is_claim(key) and value not in NONE]
        for key in claimed:
            self._claim(key, attributes[key])
        names = {key.encode() for key in claimed} | {key.encode() for key in attributes if self._declares_claims(key)}
        tag = TAG.match(self.packet, at)
        if tag and names and self.cut_from is None:
            self.cuts += [(at + a.start(), at + a.end()) for a in ATTRIBUTE.finditer(tag[0]) if a[1] in names]

    def _text(self, words: str) -> None:
        self.words = (self.words + words)[:100]

    def _end(self, name: str) -> None:
        if self._is_claim(name) and self.words.strip() not in NONE:
            self._claim(name, self.words.strip())
        if self.cut_from and self.cut_from[0] == self.depth:
            at = self.parser.CurrentByteIndex
            self.cuts.append(
                (self.cut_from[1], self.packet.index(b">", at) + 1 if self._closes(at) else self._after(at))
            )
            self.cut_from = None
        self.depth, self.words = self.depth - 1, ""

    def _closes(self, at: int) -> bool:
        return self.packet[at : at + 2] == b"</"

    def _after(self, at: int) -> int:
        """The end of a tag without content."""
        tag = TAG.match(self.packet, at)
        return tag.end() if tag else at

    def _namespace(self, name: str) -> tuple[str, str]:
        prefix, _, local = name.rpartition(":")
        return self.spaces.get(prefix, ""), local

    def _is_claim(self, name: str) -> bool:
        space, local = self._namespace(name)
        return local.startswith(_of_space(space)[0])

    def _declares_claims(self, key: str) -> bool:
        """Whether an attribute declares a namespace of which no name stays."""
        return key.startswith("xmlns:") and _of_space(self.spaces.get(key[6:], ""))[0] == ("",)

    def _claim(self, name: str, value: str) -> None:
        space, local = self._namespace(name)
        what = _of_space(space)[1]
        if local == "Semantic":
            what = SEMANTICS.get(value, OTHER)
        self.claims |= {what} - {""}


def _of_space(space: str) -> tuple[tuple[str, ...], str]:
    """Of a namespace, how names begin that are claims, and what they claim; no names of most."""
    if space in CLAIMS:
        return CLAIMS[space]
    return next((CLAIMS[known] for known in CLAIMS if known.endswith("/dd/1.0/") and space.startswith(known)), ((), ""))
