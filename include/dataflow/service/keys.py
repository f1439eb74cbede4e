"""What one installation keeps secret: made once, kept in its home, readable by its owner alone."""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from dataflow.errors import InputError

__all__ = ["Keys", "installation_keys", "write_private"]

FILE = "keys.json"
PASSWORDS = "simple_auth_manager_passwords.json.generated"
LOGIN = "admin"


@dataclass(frozen=True, slots=True)
class Keys:
    """The secrets that Airflow's programs share, and the password of the first user."""

    jwt_secret: str
    """Signs tokens; 64 bytes, since HMAC-SHA512 warns below that."""
    fernet_key: str
    """Encrypts connections in the metadata database."""
    session_secret: str
    """Signs sessions of the pages."""
    password: str
    """Of the user ``admin``."""

    def __repr__(self) -> str:
        return "Keys(...)"

    @classmethod
    def new(cls) -> Keys:
        """Make keys that nobody has seen."""
        return cls(
            jwt_secret=secrets.token_hex(64),
            fernet_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            session_secret=secrets.token_hex(32),
            password=secrets.token_urlsafe(12),
        )


def installation_keys(home: Path) -> Keys:
    """Read the keys of this home, making them on first use, and hand the password to Airflow's login.

    Raises:
        InputError: when the file is there and is not what we wrote.
    """
    file = home / FILE
    if not file.exists():
        write_private(file, json.dumps(asdict(Keys.new()), indent=2))
    try:
        keys = Keys(**json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise InputError(
            f"{file} does not hold the keys of an installation; remove it, and new ones are made"
        ) from None
    file.chmod(0o600)
    passwords = home / PASSWORDS
    if not passwords.exists():
        # Else Airflow makes one up and prints it into its log.
        write_private(passwords, json.dumps({LOGIN: keys.password}) + "\n")
    return keys


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read, in one piece, never readable by others in between."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    partial.replace(file)
