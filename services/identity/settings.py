"""What the identity processes read from their environment."""

from pydantic import Field

from shared.settings import StackSettings


class IdentitySettings(StackSettings):
    """The stack, and identity's own database."""

    database_url: str = Field(validation_alias="IDENTITY_DATABASE_URL")
