"""Asking the provider over HTTP: a JSON object, or why there is none."""

import ssl
from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from service.access.oidc_attempt import Refusal, SignOnRefused
from service.access.oidc_plan import OidcPlan

Answer = TypeVar("Answer", bound=BaseModel)


class ProviderHttp:
    """Asks with the plan's patience and trust. Redirects are not followed: a secret would go along."""

    def __init__(self, plan: OidcPlan) -> None:
        self._timeout_s = plan.timeout_s
        self._trust = ssl.create_default_context(cafile=plan.ca_file)

    def get(self, address: str, *, bearer: str | None = None) -> dict[str, Any]:
        """Raises SignOnRefused."""
        return self._ask("GET", address, headers={"Authorization": f"Bearer {bearer}"} if bearer else {})

    def post(self, address: str, form: Mapping[str, str], basic: tuple[str, str] | None = None) -> dict[str, Any]:
        """Raises SignOnRefused."""
        return self._ask("POST", address, data=form, auth=basic)

    def _ask(self, method: str, address: str, **more: Any) -> dict[str, Any]:
        try:
            with httpx.Client(
                verify=self._trust, timeout=self._timeout_s, headers={"Accept": "application/json"}
            ) as http:
                answer = http.request(method, address, **more)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SignOnRefused(Refusal.UNREACHABLE, f"{address}: {str(error) or type(error).__name__}") from None
        if answer.status_code >= 500:
            raise SignOnRefused(Refusal.UNREACHABLE, f"{address}: answered {answer.status_code}")
        try:
            content = answer.json()
        except ValueError:
            content = None
        if answer.status_code != 200 or not isinstance(content, dict):
            said = content.get("error", "no JSON object") if isinstance(content, dict) else "no JSON object"
            raise SignOnRefused(Refusal.UNTRUSTED, f"{address}: answered {answer.status_code} ({str(said)[:128]})")
        return content


def validated(kind: type[Answer], values: Mapping[str, Any], address: str) -> Answer:
    """Raises SignOnRefused naming the address and the field."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise SignOnRefused(Refusal.UNTRUSTED, f"{address}: {field} is missing or not text") from None
