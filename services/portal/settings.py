"""What the portal must be told: where the services are, and where the browser's side was put at set-up."""

from pathlib import Path
from typing import Literal

from pydantic_settings import SettingsConfigDict

from shared.settings import SecurityLogSettings, Settings


class PortalSettings(SecurityLogSettings):
    """The neighbours have the stack's own names; the rest is the portal's. No database, no secret: whoever takes it over has nobody's rights."""

    environment: Literal["production", "demo", "test"]
    clock_file: Path | None = None
    otlp: str | None = None
    issuer: str
    identity_url: str
    roster_url: str
    approval_url: str
    monitoring_url: str
    reporting_url: str

    @property
    def services(self) -> dict[str, str]:
        """Addresses by service."""
        return {name: getattr(self, f"{name}_url") for name in ("identity", "roster", "approval", "monitoring", "reporting")}

    @property
    def mark(self) -> str:
        """What every page says at its head: outside production its units and people are invented."""
        return "" if self.environment == "production" else "演示数据"

    @property
    def secure(self) -> bool:
        """In production the portal is reached by https, and its cookie is sent no other way."""
        return self.environment == "production"


class AssetSettings(Settings):
    """What belongs to the pages alone."""

    model_config = SettingsConfigDict(env_prefix="PORTAL_")

    assets: Path
    zipkin_url: str = ""
    kafka: str = ""  # the broker's version, which no broker tells; empty: the page says that nobody told it
    provider: str = ""  # what the office calls its OpenID provider; empty: there is none (IDENTITY_OIDC_…)
