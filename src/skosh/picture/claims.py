"""Cut out of XMP what it claims of parts that a ``.skosh`` file does not hold: a gain map, a film, a depth map.

The rest of the packet stays byte by byte.
"""

from __future__ import annotations

import re
from xml.parsers import expat

from .xmp import in_utf8, layout

MAX_EDITED = 1 << 20  # bytes; larger packets with claims are dropped whole, as parsing them takes long


# Parts, as notes call them.
GAIN_MAP, VIDEO, DEPTH, SOUND, EXTENDED, OTHER = (
    *("gain map", "video", "depth map", "sound", "extended XMP", "further pictures"),
)


# Namespace -> prefixes of the names that claim a part, and the part. "" is a list of parts, which names each.
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
PREFIXES = {  # defaults, for packets that declare none
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
NONE = ("0", "False", "false")  # values for "no film"
SIGNS = (  # a packet without any of these claims nothing
    *(b"hdr-gain-map", b"HDRGainMap", b"ns.google.com/photos", b"ns.adobe.com/xmp/note/"),
    *(f"{prefix}:".encode() for prefix in PREFIXES),
)
TAG = re.compile(rb"""<[^<>"']*(?:(?:"[^"]*"|'[^']*')[^<>"']*)*>""")
ATTRIBUTE = re.compile(rb"""(?<=\s)([^\s=<>"'/]+)\s*=\s*("[^"]*"|'[^']*')""")


def without_claims(xmp: bytes) -> tuple[bytes | None, set[str]]:
    """Return XMP without claims of parts that are not kept, and the parts that it claimed.

    XMP without claims comes back byte by byte. The packet is None where it claims parts and can't be edited.
    """
    width, low = layout(xmp)
    plain = xmp[low::width]
    if not any(sign in plain for sign in SIGNS):
        return xmp, set()
    packet = in_utf8(xmp.rstrip(b"\0") if width == 1 else xmp)  # some programs pad it with zeros
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
    """Finds the claims of a packet.

    Raises ExpatError for broken XML, and for a document type, which no packet needs.
    """

    def __init__(self, packet: bytes):
        self.packet = packet
        self.cuts: list[tuple[int, int]] = []  # first byte and end
        self.claims: set[str] = set()
        self.spaces = dict(PREFIXES)  # prefix -> namespace
        self.depth = 0
        self.cut_from: tuple[int, int] | None = None  # depth and first byte of the element that is cut
        self.words = ""  # of the open element
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
        claiming = {key for key, value in attributes.items() if self._claim(key, value)}
        names = {key.encode() for key in attributes if key in claiming or self._declares_claims(key)}
        if names and self.cut_from is None:
            self._cut_attributes(at, names)

    def _cut_attributes(self, at: int, names: set[bytes]) -> None:
        """Cut attributes out of the tag at a byte, with the space before them."""
        tag = TAG.match(self.packet, at)
        for attribute in ATTRIBUTE.finditer(tag[0]) if tag else ():
            if attribute[1] in names:
                start = at + attribute.start()
                while self.packet[start - 1 : start].isspace():
                    start -= 1
                self.cuts.append((start, at + attribute.end()))

    def _text(self, words: str) -> None:
        self.words = (self.words + words)[:100]

    def _end(self, name: str) -> None:
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
        """Return the end of a tag without content."""
        tag = TAG.match(self.packet, at)
        return tag.end() if tag else at

    def _namespace(self, name: str) -> tuple[str, str]:
        prefix, _, local = name.rpartition(":")
        return self.spaces.get(prefix, ""), local

    def _is_claim(self, name: str) -> bool:
        space, local = self._namespace(name)
        return local.startswith(_of_space(space)[0])

    def _declares_claims(self, key: str) -> bool:
        """Return whether an attribute declares a namespace of which every name is cut."""
        return key.startswith("xmlns:") and _of_space(self.spaces.get(key[6:], ""))[0] == ("",)

    def _claim(self, name: str, value: str) -> bool:
        """Return whether a name with this value claims a part, and count the part."""
        space, local = self._namespace(name)
        what = _of_space(space)[1]
        if not self._is_claim(name) or (what == VIDEO and value in NONE):
            return False
        if local == "Semantic":
            what = SEMANTICS.get(value, OTHER)
        self.claims |= {what} - {""}
        return True


def _of_space(space: str) -> tuple[tuple[str, ...], str]:
    """Return the prefixes of names of a namespace that are claims, and what they claim."""
    if space in CLAIMS:
        return CLAIMS[space]
    return next((CLAIMS[known] for known in CLAIMS if known.endswith("/dd/1.0/") and space.startswith(known)), ((), ""))
