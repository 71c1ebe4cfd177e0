"""Fixtures of the operator's cases; conftest.py hands them on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.operators import OperatorProcess, api_server, operator_running
from voiceagent_operator.kube.api import ApiServer


@pytest.fixture
async def api(cluster: Cluster, crd: None) -> AsyncIterator[ApiServer]:
    """The API server, as its administrator."""
    async with api_server(cluster.kubeconfig) as api:
        yield api


@pytest.fixture
async def operator(
    cluster: Cluster, crd: None, namespace: str, tmp_path: Path
) -> AsyncIterator[OperatorProcess]:
    """One replica that leads and watches `namespace` alone."""
    async with operator_running(cluster.kubeconfig, namespace, tmp_path) as running:
        yield running
