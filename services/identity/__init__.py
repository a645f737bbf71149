"""身份: owns users, their roles and row scopes, and who stands in for whom. Sign-in comes with the portal."""
