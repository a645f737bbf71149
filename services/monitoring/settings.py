"""Settings of monitoring's two processes."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class MonitoringSettings(BaseSettings):
    """Where its own schema is."""

    model_config = SettingsConfigDict(env_prefix="MONITORING_")

    database_url: str
