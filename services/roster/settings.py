"""What the roster's own processes must be told."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import DatabaseUrl, Settings


class RosterSettings(Settings):
    """The address of the roster's schema; how many days an uploaded file is kept; whether 政法专项 may be imported here at all; the office's own file
    of which register leads, field by field.
    """

    model_config = SettingsConfigDict(env_prefix="ROSTER_")

    secrets_dir: Path = Field(validation_alias="BIANBAN_SECRETS_DIR")
    database_url: DatabaseUrl
    import_keep_days: int = Field(30, ge=1)
    import_political_legal: bool = False
    leads_file: Path | None = None
