"""XMP: the few properties that generators write, found without an XML parser and what it would expand."""

import html

PACKET_MAX = 256 * 1024
PROPERTIES = ("xmp:CreatorTool", "exif:UserComment", "dc:description", "Iptc4xmpExt:DigitalSourceType",
              "Iptc4xmpExt:DigitalSourcefileType", "Iptc4xmpExt:DigImageGUID")  # fmt: skip


def read_xmp(packet: str) -> dict[str, str]:
    """The properties of *packet* by their local names; of a repeated one the first counts."""
    packet = packet[:PACKET_MAX]
    found: dict[str, str] = {}
    for name in PROPERTIES:
        value = _attribute(packet, name) or _element(packet, name)
        if value:
            found[name.partition(":")[2]] = html.unescape(value)
    return found


def _attribute(packet: str, name: str) -> str:
    for quote in "\"'":
        opening = f"{name}={quote}"
        start = packet.find(opening)
        if start >= 0:
            start += len(opening)
            return packet[start : max(packet.find(quote, start), start)]
    return ""


def _element(packet: str, name: str) -> str:
    start = packet.find(f"<{name}")
    inner = packet.find(">", start) + 1
    end = packet.find(f"</{name}>", inner)
    if start < 0 or inner <= 0 or end < 0:
        return ""
    text = packet[inner:end]
    item = text.find("<rdf:li")
    if item >= 0:
        text = text[text.find(">", item) + 1 : max(text.find("</rdf:li>", item), 0)]
    return text.strip()
