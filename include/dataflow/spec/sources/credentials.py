"""How a source logs in at an API."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dataflow.spec.base import Spec, Text
from dataflow.spec.resolved import ResolvedText, SecretText

__all__ = ["ApiKey", "Auth", "BasicLogin", "BearerToken", "ClientCredentials"]


class BearerToken(Spec):
    """A token in the header ``Authorization``."""

    type: Literal["bearer"]
    token: SecretText
    """Write ``${NAME}``, and set NAME where tasks run."""


class BasicLogin(Spec):
    """A name and a password."""

    type: Literal["basic"]
    username: ResolvedText
    """Who logs in."""
    password: SecretText
    """Write ``${NAME}``, and set NAME where tasks run."""


class ApiKey(Spec):
    """A key in a header or in the query."""

    type: Literal["api_key"]
    name: Text = "X-API-Key"
    """Of the header or of the parameter."""
    value: SecretText
    """Write ``${NAME}``, and set NAME where tasks run."""
    place: Annotated[Literal["header", "query"], Field(alias="in")] = "header"
    """Where it is sent; servers log a query, so prefer the header where both work."""


class ClientCredentials(Spec):
    """OAuth 2 with client credentials: a token is asked for, and again when it ends."""

    type: Literal["oauth2"]
    token_url: ResolvedText
    """Where tokens are given."""
    client_id: ResolvedText
    """Which client this is."""
    client_secret: SecretText
    """Write ``${NAME}``, and set NAME where tasks run."""
    scope: ResolvedText | None = None
    """What the token is for; words, joined by blanks."""


Auth = Annotated[BearerToken | BasicLogin | ApiKey | ClientCredentials, Field(discriminator="type")]
