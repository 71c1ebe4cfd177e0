"""Providers that do what a test says, and an observer that keeps what was reported of them."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from call.doubles import Provider
from call.mind import hang
from media_pod.providers.chat import Usage
from media_pod.providers.requests import ProviderRequest


class Scripted(Provider):
    """A provider whose streams are `attempts`, one each: items, what is raised, "hang".

    The last attempt is repeated.
    """

    def __init__(self, name: str, *attempts: Sequence[object]) -> None:
        self.name = name
        self.model = f"{name}-model"
        self.attempts = list(attempts)
        self.asked = self.open = 0
        self.is_open = asyncio.Event()

    async def stream(self) -> AsyncGenerator[object, None]:
        attempt = self.attempts[min(self.asked, len(self.attempts) - 1)]
        self.asked += 1
        self.open += 1
        self.is_open.set()
        try:
            for item in attempt:
                if isinstance(item, Exception):
                    raise item
                if item == "hang":
                    await hang()
                yield item
        finally:
            self.open -= 1


class Reports:
    """A `RequestObserver` that keeps everything, by request and in order."""

    def __init__(self) -> None:
        self.all: dict[ProviderRequest, list[str]] = {}
        self.usages: list[Usage | None] = []
        self.errors: list[Exception] = []

    @property
    def lines(self) -> list[str]:
        """A line for each request: whom, and what was reported."""
        return [" ".join([request.provider, *words]) for request, words in self.all.items()]

    def requested(self, request: ProviderRequest) -> None:
        assert request not in self.all
        self.all[request] = []

    def answered(self, request: ProviderRequest) -> None:
        self.all[request].append("answered")

    def finished(self, request: ProviderRequest, usage: Usage | None, text: str) -> None:
        self.all[request].append("finished")
        self.usages.append(usage)

    def failed(self, request: ProviderRequest, error: Exception) -> None:
        self.all[request].append("failed")
        self.errors.append(error)

    def abandoned(self, request: ProviderRequest) -> None:
        self.all[request].append("abandoned")
