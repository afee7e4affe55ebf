"""The provider over HTTP: its description, its keys, and a code exchanged for a person's claims that were checked.

OpenID Connect Core 1.0, authorization code flow (3.1), with PKCE (RFC 7636) and the issuer in the answer (RFC 9207).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc.errors import JoseError
from pydantic import BaseModel, SecretStr

from service.access.oidc_attempt import Attempt, Refusal, SignOnRefused
from service.access.oidc_http import ProviderHttp, validated
from service.access.oidc_keys import ProviderKeys
from service.access.oidc_plan import OidcPlan, is_private_way

Claims = Mapping[str, Any]
_CLOCKS_APART_S = 60
_KNOWN_FOR_S = 3600.0


class _Description(BaseModel):
    """What is used of /.well-known/openid-configuration."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class _Tokens(BaseModel):
    """The token endpoint's answer."""

    id_token: str
    access_token: str


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """What the browser brings back from the provider."""

    state: str
    code: str | None
    error: str | None
    issuer: str | None


class OidcProvider:
    """Asks the provider. May be used from several threads; what it has learned it keeps for an hour."""

    def __init__(self, plan: OidcPlan, secret: SecretStr, clock: Callable[[], float] = time.monotonic) -> None:
        self.plan = plan
        self._secret = secret
        self._clock = clock
        self._turn = Lock()
        self._http = ProviderHttp(plan)
        self._keys = ProviderKeys(self._http, clock)
        self._description: tuple[float, _Description] | None = None

    def authorization_address(self, attempt: Attempt) -> str:
        """Where the browser goes to sign in. Raises SignOnRefused where the provider cannot be asked."""
        address: str = prepare_grant_uri(
            self._describe().authorization_endpoint,
            self.plan.client_id,
            "code",
            redirect_uri=self.plan.return_address,
            scope=" ".join(self.plan.scopes),
            state=attempt.state,
            nonce=attempt.nonce,
            code_challenge=create_s256_code_challenge(attempt.verifier),
            code_challenge_method="S256",
        )
        return address

    def sign_out_address(self) -> str | None:
        """Where the browser signs out of the provider too; None where it offers no such address, or cannot be asked."""
        try:
            endpoint = self._describe().end_session_endpoint
        except SignOnRefused:
            return None
        if endpoint is None or not is_private_way(endpoint):
            return None
        wanted = {"client_id": self.plan.client_id, "post_logout_redirect_uri": f"{self.plan.address}/sign-in"}
        return str(httpx.URL(endpoint).copy_merge_params(wanted))

    def claims_for(self, answer: ProviderAnswer, attempt: Attempt) -> Claims:
        """What the provider says of the person, each word of it checked. Raises SignOnRefused."""
        description = self._describe()
        if answer.issuer is None and description.authorization_response_iss_parameter_supported:
            raise SignOnRefused(Refusal.UNTRUSTED, "the way back names no issuer, though the provider said it would")
        if answer.issuer not in (None, description.issuer):
            raise SignOnRefused(Refusal.UNTRUSTED, f"the way back names another issuer: {answer.issuer:.128}")
        if answer.error is not None or not answer.code:
            raise SignOnRefused(Refusal.DECLINED, f"the provider said {(answer.error or 'nothing')[:128]}")
        tokens = self._exchange(description, answer.code, attempt)
        claims = self._checked(tokens, description, attempt)
        if description.userinfo_endpoint is None or self._says_enough(claims):
            return claims
        return self._with_userinfo(claims, description.userinfo_endpoint, tokens.access_token)

    def _says_enough(self, claims: Claims) -> bool:
        plan = self.plan
        wanted = [plan.role_claim, plan.name_claim]
        wanted += [plan.groups_claim] if plan.groups else []
        wanted += ["email"] if plan.domains else []
        return all(claim in claims or claim.partition(".")[0] in claims for claim in wanted)

    def _exchange(self, description: _Description, code: str, attempt: Attempt) -> _Tokens:
        secret = self._secret.get_secret_value()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.plan.return_address,
            "code_verifier": attempt.verifier,
        }
        if "client_secret_basic" in description.token_endpoint_auth_methods_supported:
            answer = self._http.post(description.token_endpoint, form, (self.plan.client_id, secret))
        else:
            form |= {"client_id": self.plan.client_id, "client_secret": secret}
            answer = self._http.post(description.token_endpoint, form)
        return validated(_Tokens, answer, description.token_endpoint)

    def _checked(self, tokens: _Tokens, description: _Description, attempt: Attempt) -> Claims:
        token = self._keys.read(tokens.id_token, description.jwks_uri)
        claims = CodeIDToken(
            token.claims,
            token.header,
            options={
                "iss": {"essential": True, "value": description.issuer},
                "aud": {"essential": True, "value": self.plan.client_id},
                "sub": {"essential": True},
            },
            params={
                "nonce": attempt.nonce,
                "client_id": self.plan.client_id,
                "access_token": tokens.access_token,
            },
        )
        try:
            claims.validate(leeway=_CLOCKS_APART_S)
        except JoseError as error:
            raise SignOnRefused(Refusal.UNTRUSTED, f"the provider's token: {error}") from None
        return token.claims

    def _with_userinfo(self, claims: Claims, endpoint: str, access_token: str) -> Claims:
        """Some providers say no more in the token than who it is."""
        more = self._http.get(endpoint, bearer=access_token)
        if more.get("sub") != claims["sub"]:
            raise SignOnRefused(Refusal.UNTRUSTED, f"{endpoint}: tells of somebody else than the token")
        return {**more, **claims}

    def _describe(self) -> _Description:
        with self._turn:
            known = self._description
        if known is not None and self._clock() - known[0] < _KNOWN_FOR_S:
            return known[1]
        address = get_well_known_url(self.plan.issuer, external=True)
        description = validated(_Description, self._http.get(address), address)
        if description.issuer.rstrip("/") != self.plan.issuer:
            raise SignOnRefused(
                Refusal.UNTRUSTED, f"{address}: is of {description.issuer:.128}, not of issuer = {self.plan.issuer}"
            )
        ways = (description.authorization_endpoint, description.token_endpoint, description.jwks_uri)
        if bare := [way for way in (*ways, description.userinfo_endpoint) if way and not is_private_way(way)]:
            raise SignOnRefused(Refusal.UNTRUSTED, f"{address}: {bare[0]:.128} does not begin with https://")
        with self._turn:
            self._description = (self._clock(), description)
        return description
