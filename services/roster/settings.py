"""What the roster's own processes must be told."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class RosterSettings(BaseSettings):
    """The address of the roster's schema; how many days an uploaded file is kept; whether 政法专项 may be imported here at all."""

    model_config = SettingsConfigDict(env_prefix="ROSTER_")

    database_url: str
    import_keep_days: int = 30
    import_political_legal: bool = False
