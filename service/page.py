"""The page at `/`: what lies in static/, under a policy that lets nothing else in."""

import gzip
from functools import cache
from hashlib import sha256
from pathlib import Path

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

page = Blueprint("page", __name__)

_FOLDER = Path(__file__).parent / "static"
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILES = {path.name: path.read_bytes() for path in sorted(_FOLDER.iterdir()) if path.suffix in _KINDS}
_VERSION = sha256(b"".join(name.encode() + data for name, data in _FILES.items())).hexdigest()[:16]
# The files' version is a folder of their addresses, so that whoever has a page has all its files of one version, and
# may keep them for ever. Addresses are relative: the page may stand behind any path.
_HTML = (_FOLDER / "index.html").read_bytes().replace(b'="static/', f'="static/{_VERSION}/'.encode())

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
    # No string becomes markup or script, even by a mistake of ours.
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


def _answer(data: bytes, kind: str, caching: str) -> Response:
    packed = request.accept_encodings.quality("gzip") > 0
    if packed:
        data = _packed(data)
    response = Response(data, content_type=f"{kind}; charset=utf-8")
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = caching
    response.vary.add("Accept-Encoding")
    response.set_etag(sha256(data).hexdigest()[:32])
    response.make_conditional(request)
    return response


@cache
def _packed(data: bytes) -> bytes:
    """As good as gzip can, once: these are few, and the same for everybody."""
    return gzip.compress(data, mtime=0)


@page.get("/")
def index() -> Response:
    """The page; a client that asks for JSON is told where the service is."""
    if request.accept_mimetypes and not request.accept_mimetypes.accept_html:
        raise NotFound
    response = _answer(_HTML, "text/html", "no-cache")
    response.vary.add("Accept")
    return response


@page.get("/static/<version>/<name>")
def file(version: str, name: str) -> Response:
    """One of the page's files. While replicas are replaced, one may be asked for another's version: it gives its own,
    which nobody is to keep.
    """
    if name not in _FILES:
        raise NotFound
    caching = "public, max-age=31536000, immutable" if version == _VERSION else "no-store"
    return _answer(_FILES[name], _KINDS[Path(name).suffix], caching)
