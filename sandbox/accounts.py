"""The sandbox's own accounts: default credentials of each vendor and the key pair for signed logins.

These open nothing but the sandbox. Credentials of real accounts come from the environment and never pass through here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NETSUITE_ACCOUNT = "1234567_SB1"
NETSUITE_CLIENT_ID = "concord-netsuite"
NETSUITE_CERTIFICATE_ID = "concord-key-1"
NETSUITE_CONSUMER_KEY = "netsuite-consumer-key"
NETSUITE_CONSUMER_SECRET = "netsuite-consumer-secret"
NETSUITE_TOKEN_ID = "netsuite-token-id"
NETSUITE_TOKEN_SECRET = "netsuite-token-secret"
SALESFORCE_CLIENT_ID = "concord-salesforce"
SALESFORCE_CLIENT_SECRET = "salesforce-sandbox-secret"
STRIPE_API_KEY = "sk_test_concord"
ZENDESK_EMAIL = "ops@concord.example"
ZENDESK_TOKEN = "zendesk-sandbox-token"
ZENDESK_CLIENT_ID = "concord-zendesk"
ZENDESK_CLIENT_SECRET = "zendesk-oauth-secret"


def key_folder(home: Path) -> Path:
    return home / "sandbox" / "keys"


def netsuite_private_key(home: Path) -> Path:
    """The ES256 private key (PEM) that a client signs its login with; made on first use, its public half beside it."""
    folder = key_folder(home)
    private, public = folder / "netsuite_private.pem", folder / "netsuite_public.pem"
    if not (private.exists() and public.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        _write_key(private, key)
        public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    return private


# the other systems' own accounts: what their `create` takes
_ACCOUNTS: dict[str, dict[str, str]] = {
    "salesforce": {"client_id": SALESFORCE_CLIENT_ID, "client_secret": SALESFORCE_CLIENT_SECRET},
    "salesforce_service": {"client_id": "concord-salesforce-service", "client_secret": "salesforce-service-secret"},
    "stripe": {"api_key": STRIPE_API_KEY},
    "zendesk": {"email": ZENDESK_EMAIL, "token": ZENDESK_TOKEN, "client_id": ZENDESK_CLIENT_ID, "client_secret": ZENDESK_CLIENT_SECRET},
    "sap_s4hana": {"username": "CONCORD_COMM", "password": "sap-sandbox-password", "client_id": "concord-sap", "client_secret": "sap-sandbox-password"},
    "oracle_fusion": {
        "username": "concord.integration", "password": "oracle-sandbox-password", "client_id": "concord-oracle",
        "client_secret": "oracle-sandbox-secret"},
    "dynamics365_finance": {
        "tenant": "11111111-2222-3333-4444-555555555555", "client_id": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "client_secret": "d365-sandbox-secret",
        "environment": "concord-test.sandbox"},
    "chargebee": {"site": "concord-test", "api_key": "test_concord_chargebee"},
    "zuora": {"client_id": "5f0e7a52-3c1d-4b8e-9a46-c0c07d200011", "client_secret": "zuora-sandbox-secret"},
    "freshdesk": {"api_key": "freshdesk-sandbox-key"},
    "servicenow": {
        "username": "concord.integration", "password": "servicenow-sandbox-password", "client_id": "concord-servicenow",
        "client_secret": "servicenow-sandbox-secret"},
}


def settings(system: str, home: Path) -> dict[str, Any]:
    """Keyword settings for the system's `create`: its account and every credential that it accepts."""
    if system != "netsuite":
        return dict(_ACCOUNTS[system])
    return {
        "account": NETSUITE_ACCOUNT,
        "client_id": NETSUITE_CLIENT_ID,
        "certificate_id": NETSUITE_CERTIFICATE_ID,
        "public_key": (netsuite_private_key(home).parent / "netsuite_public.pem").read_text(),
        "consumer_key": NETSUITE_CONSUMER_KEY,
        "consumer_secret": NETSUITE_CONSUMER_SECRET,
        "token_id": NETSUITE_TOKEN_ID,
        "token_secret": NETSUITE_TOKEN_SECRET,
    }


def tls_files(home: Path) -> tuple[Path, Path]:
    """Certificate and key (PEM) of the TLS port, self-signed for localhost; made on first use."""
    folder = home / "sandbox" / "tls"
    certificate, private = folder / "cert.pem", folder / "key.pem"
    if not (certificate.exists() and private.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.now(UTC)
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
        signed = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=3650))
            .add_extension(names, critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        _write_key(private, key)
        certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    return certificate, private


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
