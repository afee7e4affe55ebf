"""Secrets that the service makes itself (keys, sessions, links) and passwords, which people make.

The former carry 256 random bits, so their SHA-256 says nothing of them and costs nothing. Passwords are guessable and
get Argon2id (RFC 9106), which costs a guesser as much as it can.
"""

import secrets
from functools import cache
from hashlib import sha256

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from service.errors import WeakPassword

KEY_PREFIX = "kensa-key-"
_SECRET_BYTES = 32
_SHORTEST_PASSWORD = 10
_LONGEST_PASSWORD = 256
# The OWASP cheat sheet's setting for one lane: signing in must not take the cores that judge parts.
_hasher = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19456, parallelism=1),))


def make_secret(prefix: str = "") -> str:
    """256 random bits in letters that need no escaping."""
    return prefix + secrets.token_urlsafe(_SECRET_BYTES)


def digest_of(secret: str) -> str:
    """What is kept of a secret."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def hash_password(password: str) -> str:
    """Raises WeakPassword for one that is too short to keep, or absurdly long."""
    if not _SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
        raise WeakPassword(
            f"password: has {len(password)} characters", f"take {_SHORTEST_PASSWORD} to {_LONGEST_PASSWORD}"
        )
    return _hasher.hash(password)


def is_password(password: str, password_hash: str | None) -> bool:
    """Whether it is the one that was hashed; as slow for a person without a password."""
    if len(password) > _LONGEST_PASSWORD:
        return False
    try:
        is_right = _hasher.verify(password, password_hash or _hash_of_nobody())
    except UnknownHashError:
        return False
    return is_right and password_hash is not None


@cache
def _hash_of_nobody() -> str:
    """What a name that nobody has is checked against, so that it takes as long as one that somebody has."""
    return _hasher.hash(make_secret())
