"""Settings with what the command line says over them."""

from __future__ import annotations

from typing import Any

from app.settings import PREFIX, Settings


def load(**options: Any) -> Settings:
    """Options that are None leave the environment's word. Raises `Misconfigured`."""
    return Settings.load().model_copy(update={name: value for name, value in options.items() if value is not None})


def as_environment(settings: Settings) -> dict[str, str]:
    """What a child process needs to come to the same settings; all the rest it reads from the environment itself."""
    passed = {
        "data_dir": settings.data_dir.resolve(),
        "database_url": settings.database_url,
        "host": settings.host,
        "port": settings.port,
        "workers": settings.workers,
        "log_level": settings.log_level,
        "api_keys": ",".join(key.get_secret_value() for key in settings.api_keys),
    }
    return {PREFIX + name.upper(): str(value) for name, value in passed.items() if value is not None}
