"""Signatures of webhooks, ours and theirs: HMAC-SHA256 (RFC 2104) over the time and the body.

The time is signed too, so that a request that was overheard cannot be sent again later.
"""

import hmac
from hashlib import sha256

SIGNATURE_HEADER = "Kensa-Signature"
TOLERANCE_S = 300.0


def sign(secret: bytes, body: bytes, *, now_s: float) -> str:
    """The header's value: `t=<seconds since 1970>,v1=<hex digest of "t.body">`."""
    moment = str(round(now_s))
    return f"t={moment},v1={_digest(secret, moment, body)}"


def find_fault(header: str | None, secret: bytes, body: bytes, *, now_s: float) -> str | None:
    """What is wrong with a signature, in a few words; None where it is right and not older than five minutes."""
    if header is None:
        return "is missing"
    fields = dict(part.strip().split("=", 1) for part in header.split(",") if "=" in part)
    moment, shown = fields.get("t", ""), fields.get("v1", "")
    if not (moment.isascii() and moment.isdecimal() and len(moment) < 16):
        return "names no time"
    if not hmac.compare_digest(shown.encode(), _digest(secret, moment, body).encode()):
        return "is not that of this body"
    if abs(now_s - int(moment)) > TOLERANCE_S:
        return f"is {abs(now_s - int(moment)):.0f} s off this machine's clock"
    return None


def _digest(secret: bytes, moment: str, body: bytes) -> str:
    return hmac.new(secret, moment.encode() + b"." + body, sha256).hexdigest()
