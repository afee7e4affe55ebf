"""Who our OPC UA server is, by its certificate, and which clients it believes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asyncua import ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.server import Server
from asyncua.server.user_managers import UserManager
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key, load_pem_private_key

from inspection.errors import ConfigError
from service.factory.plan import OpcuaPlan

_PEM = b"-----BEGIN"
_ENDINGS = (".der", ".pem", ".crt", ".cer")
POLICIES = {
    "Basic256Sha256": ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
    "Aes128Sha256RsaOaep": ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt,
    "Aes256Sha256RsaPss": ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
}


class TrustedClients(UserManager):
    """Only the holders of these certificates may read and write. It is asked at every session, whatever a client says.

    The certificate is the one of the secure channel, or of a token that was signed with its key.
    """

    def __init__(self, certificates: frozenset[bytes]) -> None:
        self._certificates = certificates

    def get_user(
        self, iserver: object, username: str | None = None, password: str | None = None, certificate: Any = None
    ) -> User | None:
        """None refuses."""
        return User(role=UserRole.User) if certificate in self._certificates else None


@dataclass(frozen=True)
class Security:
    """All of it, read and checked before anything starts."""

    certificate: bytes
    """DER"""
    key: bytes
    """As its file has it, PEM or DER."""
    application_uri: str
    policy: ua.SecurityPolicyType
    clients: TrustedClients | None
    """None believes every client that has a certificate at all."""

    async def apply(self, server: Server) -> None:
        """Before the server starts."""
        server.set_security_policy([self.policy])
        await server.set_application_uri(self.application_uri)
        await server.load_certificate(self.certificate, "der")
        await server.load_private_key(self.key, format="pem" if self.key.startswith(_PEM) else "der")


def read_security(plan: OpcuaPlan) -> Security | None:
    """None where the plan asks for none. Raises ConfigError naming the key, the file and the remedy."""
    if plan.certificate_file is None or plan.key_file is None:
        return None
    certificate = _read_certificate(plan.certificate_file, "opcua.certificate_file")
    key = _read(plan.key_file, "opcua.key_file")
    _check_key(key, certificate, plan)
    if certificate.not_valid_after_utc < datetime.now(UTC):
        raise ConfigError(
            f"opcua.certificate_file: {plan.certificate_file}: has been invalid since"
            f" {certificate.not_valid_after_utc:%Y-%m-%d}",
            "renew it",
        )
    return Security(
        certificate=certificate.public_bytes(Encoding.DER),
        key=key,
        application_uri=_application_uri(certificate, plan.certificate_file),
        policy=POLICIES[plan.security],
        clients=None if plan.trusted_clients is None else _read_clients(plan.trusted_clients),
    )


def _read_clients(folder: Path) -> TrustedClients:
    name = "opcua.trusted_clients"
    if not folder.is_dir():
        raise ConfigError(f"{name}: {folder}: is no folder", "give the folder of the clients' certificates")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _ENDINGS)
    if not paths:
        raise ConfigError(
            f"{name}: {folder}: holds no certificate", f"put files there that end in {', '.join(_ENDINGS)}"
        )
    return TrustedClients(frozenset(_read_certificate(path, name).public_bytes(Encoding.DER) for path in paths))


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{name}: {path}: {error.strerror}", "give a file that Kensa may read") from None


def _read_certificate(path: Path, name: str) -> x509.Certificate:
    data = _read(path, name)
    load: Callable[[bytes], x509.Certificate] = (
        x509.load_pem_x509_certificate if data.startswith(_PEM) else x509.load_der_x509_certificate
    )
    try:
        return load(data)
    except ValueError:
        raise ConfigError(f"{name}: {path}: is no certificate", "give an X.509 certificate, DER or PEM") from None


def _check_key(key: bytes, certificate: x509.Certificate, plan: OpcuaPlan) -> None:
    load = load_pem_private_key if key.startswith(_PEM) else load_der_private_key
    said = f"opcua.key_file: {plan.key_file}"
    try:
        loaded = load(key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigError(f"{said}: is no private key", "give an RSA key without a password, PEM or DER") from None
    if not isinstance(loaded, RSAPrivateKey):
        raise ConfigError(f"{said}: is no RSA key", "OPC UA's policies need one: make key and certificate with RSA")
    if loaded.public_key() != certificate.public_key():
        raise ConfigError(f"{said}: does not belong to {plan.certificate_file}", "give the certificate's own key")


def _application_uri(certificate: x509.Certificate, path: Path) -> str:
    """Clients compare it with what the server calls itself."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = None
    uris = [] if names is None else names.get_values_for_type(x509.UniformResourceIdentifier)
    if not uris:
        raise ConfigError(
            f"opcua.certificate_file: {path}: names no application", "add a subjectAltName like URI:urn:plant:kensa"
        )
    return str(uris[0])
