"""`python -m deploy.seal`: the embedded seal platform on the port of BIANBAN_SEAL_URL, its state under $BIANBAN_HOME/seal."""

from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from pydantic_settings import BaseSettings, SettingsConfigDict

from deploy.seal.app import create_app
from shared.clock import Clock
from shared.process import leave_no_core


class SealSettings(BaseSettings):
    """The few things a foreign system shares with this one: its address, one secret, and in a demonstration the clock."""

    model_config = SettingsConfigDict(env_prefix="BIANBAN_")

    home: Path
    secrets_dir: Path
    seal_url: str
    clock_file: Path | None = None


def main() -> None:
    leave_no_core()
    settings = SealSettings()
    secret = (settings.secrets_dir / "seal.hmac").read_text(encoding="utf-8").strip()
    app = create_app(settings.home / "seal", secret, Clock(settings.clock_file))
    uvicorn.run(app, host="127.0.0.1", port=urlsplit(settings.seal_url).port or 18109, log_level="warning")


if __name__ == "__main__":
    main()
