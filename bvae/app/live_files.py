"""What the web server gives to live views: their modules, what executes models, and the exported models.

Under ``live/``: ``components/<name>/browser/*.mjs`` as they lie here, ``runtime/`` as npm gave it, ``models/<id>/`` as
`bvae.app.live_models` prepares them. Nothing else is served, whatever an address says.
"""

from __future__ import annotations

import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from bvae.app import live_models
from bvae.app.components.live import runtime

COMPONENTS = Path(__file__).parent / "components"
SHARED = ("live", "playground")
"""Components whose modules are served."""
FILE = re.compile(r"[\w-]+(?:\.[\w-]+)*\.(?:mjs|wasm|onnx|json|bin)")
TYPES = {".mjs": "text/javascript", ".wasm": "application/wasm", ".onnx": "application/octet-stream",
         ".json": "application/json", ".bin": "application/octet-stream"}
WHILE = {"cache-control": "no-cache"}  # asked for again, and answered with 304 where nothing has changed
FOR_GOOD = {"cache-control": "public, max-age=31536000, immutable"}  # another model has another address


async def module(request: Request) -> Response:
    """One module."""
    folder, name = request.path_params["component"], request.path_params["name"]
    if folder not in SHARED or not FILE.fullmatch(name):
        return missing()
    return given(request, COMPONENTS / folder / "browser" / name, WHILE)


async def of_runtime(request: Request) -> Response:
    """A file of what executes models; compressed where the browser takes that."""
    name, folder = request.path_params["name"], runtime.folder()
    if folder is None or name not in runtime.FILES:
        return missing()
    small = folder / f"{name}.gz"
    if small.is_file() and "gzip" in request.headers.get("accept-encoding", ""):
        return given(request, small, {**WHILE, "content-encoding": "gzip", "vary": "accept-encoding"},
                     TYPES[Path(name).suffix])
    return given(request, folder / name, WHILE)


async def of_model(request: Request) -> Response:
    """A file of an exported model; 202 while that is being made."""
    folder, name = live_models.folder(request.path_params["id"]), request.path_params["name"]
    if folder is None or not FILE.fullmatch(name):
        return missing()
    if not (folder / "model.json").is_file():
        if live_models.failed(request.path_params["id"]):
            return missing()
        return PlainTextResponse("being prepared", 202, headers={"retry-after": "3", "cache-control": "no-store"})
    return given(request, folder / name, FOR_GOOD)


def given(request: Request, path: Path, headers: dict[str, str], kind: str = "") -> Response:
    """A file, or 304 where the browser has it."""
    if not path.is_file():
        return missing()
    facts = path.stat()
    tag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
    headers = {**headers, "etag": tag, "x-content-type-options": "nosniff"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return FileResponse(path, headers=headers, media_type=kind or TYPES[path.suffix])


def missing() -> Response:
    """404."""
    return PlainTextResponse("not found", 404, headers={"cache-control": "no-store"})


ROUTES = [Route("/live/components/{component}/browser/{name}", module), Route("/live/runtime/{name}", of_runtime),
          Route("/live/models/{id}/{name}", of_model)]
