"""Settings of a pipecat pipeline as a dialogue."""

from typing import Annotated, Literal

from pydantic import Field

from media_pod.manifest.rules import absolute_in_cluster, in_cluster
from media_pod.manifest.types import FilePath
from media_pod.manifest.validation import Allowed, StrictModel

PipelineName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*$",
        max_length=300,
    ),
    Allowed("module:function"),
]


class PipecatSettings(StrictModel):
    """A pipecat pipeline, which hears the caller and speaks; the pod interrupts and paces it."""

    kind: Literal["pipecat"] = Field(
        description="A pipeline of pipecat 1.14, in a process beside the pod; needs the extra "
        "pipecat, or python."
    )
    pipeline: PipelineName = Field(
        description="Function that takes an InterjectTransport and returns a pipeline or a "
        "PipelineWorker, as module:function; the module is looked for beside this document first."
    )
    python: FilePath | None = Field(
        default=None,
        description="Interpreter with pipecat-ai, relative to this document; absolute in a "
        "cluster. Default none: the pod's own.",
    )

    model_config = in_cluster(absolute_in_cluster("python"))
