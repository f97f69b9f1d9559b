"""What a view needs beside its request: the settings, the models, who may ask; and how it reads a body."""

import socket
from dataclasses import dataclass
from typing import Any

from flask import current_app, g, request

from service.access import Access
from service.bodies import read_values
from service.documents import Documents
from service.errors import ApiError, short
from service.glossaries import Glossaries
from service.models import Models
from service.settings import Settings


@dataclass(frozen=True)
class Context:
    """What an application has."""

    settings: Settings
    models: Models
    access: Access
    glossaries: Glossaries
    documents: Documents


def context() -> Context:
    """What this application has."""
    found: Context = current_app.extensions["hoiquy"]
    return found


def read_body(*, form: str = "text", counted: bool = True) -> Any:
    """The values of the body, of a caller who may ask. Raises ApiError as `read_values` and `Access.check` do."""
    here = context()
    values = read_values(request, here.settings, form=form)
    g.caller = here.access.check(request, values, counted=counted)
    if request.args:
        # Texts are never to stand in addresses, which are logged everywhere; and nothing is ignored in silence.
        message = f"the address has {short(next(iter(request.args)))!r}: send everything in the body"
        raise ApiError(422, "Validation", message)
    if isinstance(values, dict):
        values.pop("api_key", None)
    return values


def check_access(*, counted: bool = True) -> str:
    """The name of the caller of a request without a body. Raises ApiError as `Access.check` does."""
    g.caller = context().access.check(request, counted=counted)
    return str(g.caller)


def is_connected() -> bool:
    """Whether the client still waits: gunicorn's socket has nothing to read, rather than its end."""
    connection = request.environ.get("gunicorn.socket")
    if connection is None:
        return True
    try:
        return bool(connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except BlockingIOError:
        return True
    except OSError:
        return False
