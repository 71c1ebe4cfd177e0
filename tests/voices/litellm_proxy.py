"""LiteLLM's proxy (https://docs.litellm.ai/docs/proxy/configs) as a process of its own."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from voices.server_process import PORT, server_process
from voices.smollm2 import MODEL

MASTER_KEY: Final = "sk-interject-0123456789-0123456789"
"""It does not start without a key, nor with a short one."""
FIXED: Final = "fixed"
"""A model that always says `FIXED_REPLY`."""
FIXED_REPLY: Final = "Good day. The workshop is open from nine to six."


@contextmanager
def litellm_proxy(environment: Path, upstream: str, folder: Path) -> Iterator[str]:
    """Run it with the models `FIXED` and `MODEL`; gives its base URL.

    Args:
        environment: has LiteLLM.
        upstream: base URL of the server of `MODEL`.
        folder: for its configuration and its log.
    """
    behind = {"model": f"openai/{MODEL}", "api_base": upstream, "api_key": "none"}
    fixed = {"model": "openai/any", "api_key": "none", "mock_response": FIXED_REPLY}
    models = [
        {"model_name": MODEL, "litellm_params": behind},
        {"model_name": FIXED, "litellm_params": fixed},
    ]
    configuration = folder / "litellm.yaml"
    configuration.write_text(json.dumps({"model_list": models}))  # YAML has JSON in it
    command = (
        str(environment / "bin" / "litellm"),
        *("--config", str(configuration), "--host", "127.0.0.1", "--port", PORT),
    )
    # Without the second it asks the network for prices first.
    environ = {"LITELLM_MASTER_KEY": MASTER_KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    with server_process(command, folder / "log", environ) as address:
        yield f"http://{address}/v1"
