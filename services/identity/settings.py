"""What the identity processes read from their environment."""

from datetime import timedelta

from pydantic import Field, model_validator

from services.identity.models.sign_in import Policy
from shared.settings import DatabaseUrl, StackSettings


class IdentitySettings(StackSettings):
    """The stack, identity's own database, and how strict sign-in is."""

    database_url: DatabaseUrl = Field(validation_alias="IDENTITY_DATABASE_URL")
    demo: bool = Field(default=False, validation_alias="IDENTITY_DEMO")
    idle_minutes: int = Field(30, ge=1, validation_alias="IDENTITY_IDLE_MINUTES")
    session_hours: int = Field(12, ge=1, validation_alias="IDENTITY_SESSION_HOURS")
    failures: int = Field(5, ge=1, validation_alias="IDENTITY_FAILURES")
    lock_minutes: int = Field(15, ge=1, validation_alias="IDENTITY_LOCK_MINUTES")
    attempts: int = Field(10, ge=0, validation_alias="IDENTITY_ATTEMPTS")  # in five minutes, per name and per address; 0: no limit
    password_length: int = Field(10, ge=8, validation_alias="IDENTITY_PASSWORD_LENGTH")
    password_kinds: int = Field(3, ge=1, le=4, validation_alias="IDENTITY_PASSWORD_KINDS")
    password_history: int = Field(5, ge=0, le=24, validation_alias="IDENTITY_PASSWORD_HISTORY")
    password_days: int = Field(90, ge=0, validation_alias="IDENTITY_PASSWORD_DAYS")  # 0: it does not grow old
    one_time_days: int = Field(7, ge=1, validation_alias="IDENTITY_ONE_TIME_DAYS")
    second_factor: bool = Field(default=False, validation_alias="IDENTITY_SECOND_FACTOR")  # asked of everybody who signs in by password

    oidc_issuer: str = Field("", validation_alias="IDENTITY_OIDC_ISSUER")  # exactly as the provider writes it; empty: there is none
    oidc_client: str = Field("", validation_alias="IDENTITY_OIDC_CLIENT")  # its secret is the file oidc.secret
    oidc_redirect: str = Field("", validation_alias="IDENTITY_OIDC_REDIRECT")  # the portal's address for the way back
    oidc_claim: str = Field("preferred_username", validation_alias="IDENTITY_OIDC_CLAIM")  # what holds the login name

    @model_validator(mode="after")
    def _provider_is_whole(self) -> "IdentitySettings":
        if self.oidc_issuer and not (self.oidc_client and self.oidc_redirect):
            raise ValueError("写了 IDENTITY_OIDC_ISSUER，也须写 IDENTITY_OIDC_CLIENT 和 IDENTITY_OIDC_REDIRECT")
        if self.environment == "production" and self.oidc_issuer and not self.oidc_issuer.startswith("https://"):
            raise ValueError("IDENTITY_OIDC_ISSUER 在生产环境须以 https:// 开头")
        return self

    @model_validator(mode="after")
    def _no_demo_in_production(self) -> "IdentitySettings":
        if self.demo and self.environment == "production":
            raise ValueError("IDENTITY_DEMO 让任何人都能以任何人登录，不能用于生产环境")
        return self

    def policy(self) -> Policy:
        """How strict the house is."""
        return Policy(
            idle=timedelta(minutes=self.idle_minutes),
            session=timedelta(hours=self.session_hours),
            failures=self.failures,
            lock=timedelta(minutes=self.lock_minutes),
            length=self.password_length,
            kinds=self.password_kinds,
            earlier=self.password_history,
            age=timedelta(days=self.password_days) if self.password_days else None,
            one_time=timedelta(days=self.one_time_days),
            second_factor=self.second_factor,
        )
