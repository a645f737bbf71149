"""What the roster's own processes must be told."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class RosterSettings(BaseSettings):
    """The address of the roster's schema."""

    model_config = SettingsConfigDict(env_prefix="ROSTER_")

    database_url: str
