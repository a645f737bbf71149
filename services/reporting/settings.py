"""What the reporting processes read from their environment."""

from pydantic import Field

from shared.settings import DatabaseUrl, StackSettings


class ReportingSettings(StackSettings):
    """The stack, and reporting's own database."""

    database_url: DatabaseUrl = Field(validation_alias="REPORTING_DATABASE_URL")
