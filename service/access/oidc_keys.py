"""The provider's public keys, and whether they signed a token."""

import time
from collections.abc import Callable
from threading import Lock

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from service.access.oidc_attempt import Refusal, SignOnRefused
from service.access.oidc_http import ProviderHttp

# Only what a public key proves: a token signed with the client's secret, or not at all, proves nothing of the provider.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
_KINDS = ("RSA", "EC", "OKP")
_KNOWN_FOR_S = 3600.0
# A stranger's tokens must not make us ask all the time.
_AGAIN_AFTER_S = 30.0


class ProviderKeys:
    """Kept for an hour; fetched once more for a token that none of them signed, since providers change theirs."""

    def __init__(self, http: ProviderHttp, clock: Callable[[], float] = time.monotonic) -> None:
        self._http = http
        self._clock = clock
        self._turn = Lock()
        self._known: tuple[float, KeySet] | None = None

    def read(self, token: str, address: str) -> jwt.Token:
        """The token, once one of the keys at `address` has signed it. Raises SignOnRefused."""
        try:
            return self._decode(token, self._within(_KNOWN_FOR_S, address))
        except SignOnRefused as refused:
            if refused.refusal is not Refusal.UNTRUSTED:
                raise
        return self._decode(token, self._within(_AGAIN_AFTER_S, address))

    def _decode(self, token: str, keys: KeySet) -> jwt.Token:
        try:
            return jwt.decode(token, keys, algorithms=_ALGORITHMS)
        except (JoseError, ValueError) as error:
            raise SignOnRefused(Refusal.UNTRUSTED, f"the provider's token: {error}") from None

    def _within(self, age_s: float, address: str) -> KeySet:
        with self._turn:
            if self._known is not None and self._clock() - self._known[0] < age_s:
                return self._known[1]
        listed = self._http.get(address).get("keys")
        keys = [key for key in listed if _is_for_signing(key)] if isinstance(listed, list) else []
        try:
            fetched = KeySet.import_key_set({"keys": keys})
        except (JoseError, ValueError) as error:
            raise SignOnRefused(Refusal.UNTRUSTED, f"{address}: {error}") from None
        with self._turn:
            self._known = (self._clock(), fetched)
        return fetched


def _is_for_signing(key: object) -> bool:
    return isinstance(key, dict) and key.get("kty") in _KINDS and key.get("use", "sig") == "sig"
