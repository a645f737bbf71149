"""The provider as a process of its own, and a browser that signs in at its pages."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.identity.provider.install import HERE, NODE, PLACE
from tests.servers import free_port

REDIRECT = "http://127.0.0.1:9/sign-in/back"
SECRET = "of-the-tests-only"


@contextmanager
def running(*, in_token: bool = True) -> Iterator[str]:
    """Its issuer. The claim stands in the ID token, or with the user info only, as the specification has it."""
    port = free_port()
    where = (PLACE / "node_modules", str(port), REDIRECT, SECRET, "in-token" if in_token else "beside")
    with subprocess.Popen((NODE, HERE / "provider.mjs", *where), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "listening\n"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


async def signed_in(url: str, login: str) -> dict[str, str]:
    """Go where the browser is sent, sign in, agree; what it is sent back with."""
    async with httpx.AsyncClient(trust_env=False) as browser:
        answer = await browser.get(url)
        for form in ({"prompt": "login", "login": login, "password": "x"}, {"prompt": "consent"}, {}):
            while answer.is_redirect:
                to = answer.headers["location"]
                if to.startswith(REDIRECT):
                    return {name: values[0] for name, values in parse_qs(urlsplit(to).query).items()}
                answer = await browser.get(httpx.URL(url).join(to))
            action = re.search(r'action="([^"]+)"', answer.text)
            assert action, answer.text
            answer = await browser.post(httpx.URL(url).join(action[1]), data=form)
    raise AssertionError(answer.text)
