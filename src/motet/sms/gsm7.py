"""The GSM 7-bit default alphabet with its extension table, unpacked and packed (TS 23.038 §6.1.2, §6.2.1)."""

import codecs

ESC = 0x1B
"""The septet that turns the next one into a character of the extension table."""

REPLACEMENT = "\ufffd"

# TS 23.038 §6.2.1, in order of the septet's value; ESC stands at its own place and is never looked up.
_DEFAULT = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)

# TS 23.038 §6.2.1.1.
_EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}

# ESC ESC is reserved for a further table and shown as a space; what no table has is shown as the default table's
# character (TS 23.038 §6.2.1, note 1, and §6.2.1.1, note 1). Octets over 0x7F are no septets.
_AFTER_ESC = [_EXTENSION.get(septet, " " if septet == ESC else character) for septet, character in enumerate(_DEFAULT)]
_DECODING = _DEFAULT + REPLACEMENT * 128
_ENCODING: dict[int, int | bytes] = {
    **{ord(character): septet for septet, character in enumerate(_DEFAULT) if septet != ESC},
    **{ord(character): bytes((ESC, septet)) for septet, character in _EXTENSION.items()},
}

# What is one septet of the same value in ASCII: such a text needs no table at all.
_SAME_AS_ASCII = bytes(value for value in range(128) if value != ESC and _DEFAULT[value] == chr(value))


def encode(text: str) -> bytes | None:
    """The text as unpacked septets, one octet each, extension characters as ESC pairs; None if one has no septet."""
    if text.isascii():
        plain = text.encode("ascii")
        if not plain.translate(None, _SAME_AS_ASCII):
            return plain
    try:
        return codecs.charmap_encode(text, "strict", _ENCODING)[0]
    except UnicodeEncodeError:
        return None


def decode(septets: bytes) -> str:
    """The text of unpacked septets. Total: an ESC at the end is a space, an octet over 0x7F is U+FFFD."""
    if ESC not in septets:
        return codecs.charmap_decode(septets, "strict", _DECODING)[0]
    pieces: list[str] = []
    start = 0
    while (escape := septets.find(ESC, start)) >= 0:
        pieces.append(codecs.charmap_decode(septets[start:escape], "strict", _DECODING)[0])
        start = escape + 2
        if start > len(septets):
            pieces.append(" ")
        else:
            septet = septets[escape + 1]
            pieces.append(_AFTER_ESC[septet] if septet < 0x80 else REPLACEMENT)
    pieces.append(codecs.charmap_decode(septets[start:], "strict", _DECODING)[0])
    return "".join(pieces)


def pack(septets: bytes, fill_bits: int = 0) -> bytes:
    """Eight septets in seven octets, least significant bits first (TS 23.038 §6.1.2.1).

    `fill_bits` (0 to 6) are the zero bits that align septets behind a user data header (TS 23.040 §9.2.3.24).
    """
    bits = 0
    for position, septet in enumerate(septets):
        bits |= (septet & 0x7F) << (7 * position)
    return (bits << fill_bits).to_bytes((7 * len(septets) + fill_bits + 7) // 8, "little")


def unpack(octets: bytes, septet_count: int, fill_bits: int = 0) -> bytes:
    """The first `septet_count` septets of packed octets, one octet each; those past the end are left out."""
    count = min(septet_count, (8 * len(octets) - fill_bits) // 7)
    bits = int.from_bytes(octets, "little") >> fill_bits
    return bytes((bits >> (7 * position)) & 0x7F for position in range(count))
