"""Who may drain a pod and see its callers: the machine itself, or whoever has the token."""

import pytest
from aiohttp.test_utils import TestClient, TestServer

from media_pod.errors import SetupError
from media_pod.pod.http import access
from media_pod.pod.http.access import LEAST_CHARACTERS, usable
from media_pod.pod.http.api import make_app
from pod.http_doubles import A, Client, Dial, FakePod, dial, pod, problem

__all__ = ["dial", "pod"]

TOKEN = "0123456789abcdef"
CONTROL = [
    ("GET", "/api/calls"),
    ("GET", f"/api/calls/{A}"),
    ("GET", "/api/drain"),
    ("POST", "/api/drain"),
]
OPEN = [f"/api/call-start?uuid={A}", f"/api/call-end?uuid={A}", "/livez", "/readyz", "/metrics"]


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No request comes from this machine."""
    monkeypatch.setattr(access, "_HERE", frozenset())


async def with_token(pod: FakePod, token: str = TOKEN) -> Client:
    client = TestClient(TestServer(make_app(pod, token=lambda: token)))
    await client.start_server()
    return client


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(("method", "path"), CONTROL)
async def test_without_a_token_nobody_else_controls_a_pod(
    dial: Dial, pod: FakePod, method: str, path: str
) -> None:
    client = await dial()
    response = await client.request(method, path, headers={"Authorization": f"Bearer {TOKEN}"})
    assert "spec.server.controlToken" in await problem(response, 403)
    assert not pod.draining


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("path", OPEN)
async def test_asterisk_probes_and_metrics_need_no_token(
    dial: Dial, pod: FakePod, path: str
) -> None:
    client = await dial()
    await client.get(f"/api/call-start?uuid={A}")
    assert (await client.get(path)).status == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Origin", "Sec-Fetch-Site"])
async def test_a_proxy_or_a_browser_on_this_machine_asks_for_others(
    dial: Dial, pod: FakePod, header: str
) -> None:
    client = await dial()
    await problem(await client.post("/api/drain", headers={header: "192.0.2.7"}), 403)
    assert not pod.draining
    assert (await client.post("/api/drain")).status == 202


@pytest.mark.parametrize(("method", "path"), CONTROL)
@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {TOKEN}0"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": "Bearer \u00fc"},
        {"Authorization": f"Basic {TOKEN}"},
    ],
)
async def test_with_a_token_nobody_controls_a_pod_without_it(
    pod: FakePod, method: str, path: str, sent: dict[str, str]
) -> None:
    client = await with_token(pod)
    response = await client.request(method, path, headers=sent)
    assert TOKEN not in await problem(response, 401)
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert not pod.draining
    await client.close()


@pytest.mark.usefixtures("elsewhere")
async def test_whoever_has_the_token_controls_the_pod(pod: FakePod) -> None:
    client = await with_token(pod)
    sent = {"Authorization": f"bearer {TOKEN}", "Origin": "https://desk.example"}
    assert (await client.get("/api/calls", headers=sent)).status == 200
    assert (await client.post("/api/drain", headers=sent)).status == 202
    assert pod.draining
    await client.close()


async def test_a_token_that_cannot_be_read_opens_nothing(pod: FakePod) -> None:
    def gone() -> str:
        raise SetupError("spec.server.controlToken: found no file; allowed: a file")

    async with TestClient(TestServer(make_app(pod, token=gone))) as client:
        assert "controlToken" in await problem(await client.get("/api/drain"), 503)
    assert not pod.draining


def test_a_token_that_can_be_guessed_is_refused() -> None:
    assert usable("x" * LEAST_CHARACTERS) == "x" * LEAST_CHARACTERS
    with pytest.raises(SetupError, match=r"spec\.server\.controlToken: found 5 characters"):
        usable("short")
