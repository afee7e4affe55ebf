"""The secrets of docker-compose.yml: a database password, and a certificate of its own for the proxy.

`python deploy/docker/make_secrets.py secrets [--host kensa.plant]`. What is there already is kept. Put the plant's own
certificate and key in place of tls_certificate.pem and tls_key.pem; until then cameras trust the one made here by
`--authority secrets/tls_certificate.pem`. Runs on any python3 with the openssl program; standard library only.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import secrets
import subprocess
import sys
from pathlib import Path

_DAYS = 825


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Make the secrets of docker-compose.yml.")
    parser.add_argument("folder", type=Path, help="the folder that KENSA_SECRETS names")
    parser.add_argument("--host", default="localhost", help="the name or address by which cameras reach the proxy")
    wishes = parser.parse_args(words)
    wishes.folder.mkdir(parents=True, exist_ok=True)
    # The folder is closed. Its files are open, since the users inside the containers have to read them.
    wishes.folder.chmod(0o700)
    password = wishes.folder / "database_password"
    if not password.exists():
        _write(password, secrets.token_urlsafe(32))
    certificate, key = wishes.folder / "tls_certificate.pem", wishes.folder / "tls_key.pem"
    if not certificate.exists() and not key.exists():
        try:
            _make_certificate(certificate, key, wishes.host)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"make_secrets: openssl made no certificate ({error})", file=sys.stderr)
            return 1
    print(f"secrets in {wishes.folder}; keep a copy of database_password where no one else looks", file=sys.stderr)
    return 0


def _make_certificate(certificate: Path, key: Path, host: str) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    names = f"subjectAltName={_name_kind(host)}:{host},DNS:localhost,IP:127.0.0.1"
    command += ["-days", str(_DAYS), "-subj", f"/CN={host}", "-addext", names]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, stderr=subprocess.DEVNULL)
    key.chmod(0o444)
    certificate.chmod(0o444)


def _name_kind(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "DNS"
    return "IP"


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
