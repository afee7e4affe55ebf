"""A small OpenID Connect provider for tests: real HTTP, real signatures, and as strict with its client as a real one.

A test may change what it claims, how it signs, or what it answers.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

CLIENT_ID = "kensa"
CLIENT_SECRET = "s3cret & more"
MEI = {
    "sub": "a-1",
    "name": "Mei Kato",
    "preferred_username": "mei",
    "email": "mei@plant.example",
    "email_verified": True,
    "groups": ["kensa-reviewers", "canteen"],
}


@cache
def rsa_key(name: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig"})


@dataclass
class Provider:
    """`person` signs in, whoever comes."""

    issuer: str = ""
    address: str = "https://kensa.example"
    person: dict[str, Any] = field(default_factory=lambda: dict(MEI))
    change: Callable[[dict[str, Any]], None] = lambda claims: None
    """Changes the token's claims before they are signed."""
    userinfo: dict[str, Any] | None = None
    key: RSAKey | ECKey = field(default_factory=lambda: rsa_key("first"))
    shown_keys: list[Any] = field(default_factory=lambda: [rsa_key("first")])
    sign: Callable[[dict[str, Any]], str] | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    """Changes of the description."""
    broken: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """By path: status and body instead of an answer."""
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def description(self) -> dict[str, Any]:
        ends = {f"{name}_endpoint": f"{self.issuer}/{name}" for name in ("authorization", "token", "end_session")}
        info = {"userinfo_endpoint": f"{self.issuer}/userinfo"} if self.userinfo is not None else {}
        return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **ends, **info, **self.extra}

    def authorize(self, query: dict[str, str]) -> str:
        """The way back to the service, as if the person had typed a password."""
        assert query["client_id"] == CLIENT_ID
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert query["redirect_uri"] == f"{self.address}/sign-in/oidc/return"
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], 'iss': self.issuer})}"

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """A code is good once, for the client that can show the secret and the verifier."""
        name, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if (unquote(name), unquote(secret)) != (CLIENT_ID, CLIENT_SECRET):
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if asked is None or challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "an-access-token", "token_type": "Bearer", "id_token": self.id_token(asked)}

    def id_token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims |= self.person
        self.change(claims)
        if self.sign is not None:
            return self.sign(claims)
        algorithm = "RS256" if isinstance(self.key, RSAKey) else "ES256"
        header = {"alg": algorithm, "kid": self.key.kid}
        return jwt.encode(header, claims, self.key, algorithms=[algorithm])


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, urlsplit(self.path).query
        if path == "/authorization":
            return self._redirect(self.provider.authorize(dict(parse_qsl(query))))
        if path == "/end_session":
            return self._redirect(dict(parse_qsl(query))["post_logout_redirect_uri"])
        answers: dict[str, Callable[[], Any]] = {
            "/.well-known/openid-configuration": self.provider.description,
            "/keys": lambda: KeySet(self.provider.shown_keys).as_dict(private=False),
            "/userinfo": self._userinfo,
        }
        return self._answer(path, lambda: (200, answers[path]()))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self._answer("/token", lambda: self.provider.exchange(form, self.headers.get("Authorization", "")))

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: pytest shows what matters."""

    def _redirect(self, address: str) -> None:
        self.provider.asked.append(urlsplit(self.path).path)
        self.send_response(303)
        self.send_header("Location", address)
        self.end_headers()

    def _userinfo(self) -> dict[str, Any]:
        assert self.headers["Authorization"] == "Bearer an-access-token"
        return self.provider.userinfo or {}

    def _answer(self, path: str, make: Callable[[], tuple[int, Any]]) -> None:
        self.provider.asked.append(path)
        if path in self.provider.broken:
            status, content = self.provider.broken[path]
        else:
            status, answer = make()
            content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def running_provider() -> Iterator[Provider]:
    """A provider on this machine, gone at the end."""
    provider = Provider()
    handler = type("Handler", (_Handler,), {"provider": provider})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        # Another site than 127.0.0.1 to a browser, as a plant's provider is.
        provider.issuer = f"http://localhost:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()


def unsigned(claims: dict[str, Any]) -> str:
    """A token that nobody signed."""
    parts = ({"alg": "none"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


def plan_text(provider: Provider, **more: str) -> str:
    """A sign-on file; `more` are lines by their key, in TOML, before the roles."""
    lines = {
        "issuer": f'"{provider.issuer}"',
        "client_id": f'"{CLIENT_ID}"',
        "address": f'"{provider.address}"',
        "label": '"Plant login"',
        **more,
    }
    text = "".join(f"{key} = {value}\n" for key, value in lines.items())
    return text + '\n[roles]\nreviewer = ["kensa-reviewers"]\nadmin = ["kensa-admins", "it"]\n'
