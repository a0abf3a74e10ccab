"""The page where a person fills in a row."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse

FILE = Path(__file__).with_name("page.html")


async def page(request: Request) -> HTMLResponse:
    """Answer with the page: the same for every model, it reads the schema itself."""
    html, policy = _read()
    return HTMLResponse(html, headers={"content-security-policy": policy})


@cache
def _read() -> tuple[str, str]:
    html = FILE.read_text(encoding="utf-8")
    sources = {
        f"{name}-src": _hash(re.findall(rf"<{name}>(.*?)</{name}>", html, re.DOTALL)[0])
        for name in ("script", "style")
    }
    policy = [f"{name} 'sha256-{digest}'" for name, digest in sources.items()]
    fixed = [
        "default-src 'none'",
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return html, "; ".join([*fixed, "frame-ancestors 'none'", *policy])


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
