"""What the approval processes read from their environment."""

from pathlib import Path

from pydantic import Field

from shared.settings import DatabaseUrl, StackSettings


class ApprovalSettings(StackSettings):
    """The stack, approval's own database, and how its notices look."""

    database_url: DatabaseUrl = Field(validation_alias="APPROVAL_DATABASE_URL")
    seal_code: str | None = Field(None, description="The seal to use; without it the first one the platform offers.")
    font_dir: Path | None = Field(None, description="The office's own fonts.")

    @property
    def documents(self) -> Path:
        """The folder of the notices' files."""
        return self.out_dir / "documents"

    @property
    def attachments(self) -> Path:
        """The folder of the files that units bring, encrypted."""
        return self.documents / "attachments"
