"""What the monitoring processes read from their environment."""

from pathlib import Path

from pydantic import Field

from shared.settings import DatabaseUrl, StackSettings


class MonitoringSettings(StackSettings):
    """The stack, monitoring's own database and address, and how its lists look."""

    database_url: DatabaseUrl = Field(validation_alias="MONITORING_DATABASE_URL")
    own_url: str = Field(validation_alias="BIANBAN_MONITORING_URL", description="Where the seal platform calls back.")
    seal_code: str | None = Field(None, description="The seal to use; without it the first one the platform offers.")
    font_dir: Path | None = Field(None, description="The office's own fonts.")

    @property
    def documents(self) -> Path:
        """The folder of the lists' files."""
        return self.out_dir / "lists"

    @property
    def notices(self) -> Path:
        """The folder of the notices' files."""
        return self.out_dir / "notices"

    @property
    def evidence(self) -> Path:
        """The folder of the files that units hand in."""
        return self.out_dir / "evidence"
