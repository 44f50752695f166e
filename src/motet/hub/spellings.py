"""How SMSCs write one message id in two ways."""


def spellings(smsc_message_id: str) -> list[str]:
    """How an SMSC may have written this id in its submit_sm_resp: they mix decimal and hexadecimal, lower and upper
    case, leading zeros. As it came first; a match under another spelling also needs the same destination."""
    spelled = [smsc_message_id]
    plain = smsc_message_id.lstrip("0") or "0"
    candidates = [plain, plain.lower(), plain.upper()]
    if smsc_message_id.isascii() and smsc_message_id.isdigit():
        number = int(smsc_message_id)
        candidates += [f"{number:x}", f"{number:X}", f"{number:08x}", f"{number:08X}", f"{number:010d}"]
    try:
        number = int(smsc_message_id, 16)
    except ValueError:
        pass
    else:
        candidates += [str(number), f"{number:010d}", f"{number:08x}", f"{number:08X}"]
    for candidate in candidates:
        if candidate not in spelled:
            spelled.append(candidate)
    return spelled
