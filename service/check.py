"""`python -m service.check`: whether a service could begin now, with these settings, keys and checkpoints."""

import sys

from service.access import Access
from service.models import Models
from service.settings import Settings, SettingsError


def main() -> int:
    """Print "ok", or what is in the way."""
    try:
        settings = Settings.from_environment()
        Access(settings)
        models = Models(settings, lambda: None)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    faults = [model.fault for model in (models.translation, models.sentiment) if model.fault]
    print("; ".join(faults) or "ok")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
