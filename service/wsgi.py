"""What gunicorn runs: `service.wsgi:app`, with the settings of the environment."""

from service.app import create_app
from service.settings import Settings

app = create_app(Settings.from_environment())
