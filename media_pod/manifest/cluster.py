"""Settings of a VoiceAgent that only a cluster uses; `interject serve` ignores them."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from media_pod.manifest.operation import AFTER_DRAIN_S
from media_pod.manifest.rules import Rule, in_cluster
from media_pod.manifest.types import Cidr, DnsLabel, EachOnce, HttpUrl
from media_pod.manifest.validation import StrictModel


class Autoscaling(StrictModel):
    """How the number of pods follows the number of calls."""

    metric_source: Literal["none", "operator", "prometheus-adapter", "keda"] = Field(
        default="none",
        description="Where the autoscaler gets the number of calls. none: no autoscaling, replicas "
        "stays as written. operator: the metrics API of Interject's operator, if installed. "
        "prometheus-adapter: its pod metric interject_active_calls. keda: a "
        "ScaledObject that queries prometheusUrl. Default none: each of the others needs a "
        "component that a plain cluster lacks.",
    )
    min_replicas: int = Field(
        default=2,
        ge=1,
        le=1000,
        description="Minimum number of pods. Default 2: new calls are still answered when one "
        "pod is lost.",
    )
    max_replicas: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="Maximum number of pods. Default 10: it limits the cost of a flood of calls.",
    )
    target_percent: int = Field(
        default=70,
        ge=1,
        le=100,
        description="Target number of calls per pod, in percent of capacity.calls. Default 70: "
        "the rest absorbs the calls that arrive while a new pod starts.",
    )
    scale_down_seconds: int = Field(
        default=300,
        ge=0,
        le=3600,
        description="Stabilization window before scaling down, in seconds. Default 300, as in "
        "Kubernetes: calls come in waves, and a new pod takes time to load.",
    )
    prometheus_url: HttpUrl = Field(
        default="",
        description="Base URL of the Prometheus that KEDA queries, such as "
        "http://prometheus.monitoring:9090. Default empty: only keda needs it.",
    )

    model_config = in_cluster(
        Rule(
            "self.minReplicas <= self.maxReplicas",
            found="minReplicas {self.minReplicas} and maxReplicas {self.maxReplicas}",
            allowed="minReplicas at most maxReplicas",
            field=".minReplicas",
        ),
        Rule(
            "self.metricSource != 'keda' || self.prometheusUrl != ''",
            found="metricSource keda without prometheusUrl",
            allowed="metricSource keda with a prometheusUrl",
            field=".prometheusUrl",
            reason="FieldValueRequired",
        ),
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise PydanticCustomError(
                "clash",
                "found minReplicas {low} and maxReplicas {high}; allowed: minReplicas at most "
                "maxReplicas",
                {"low": self.min_replicas, "high": self.max_replicas},
            )
        if self.metric_source == "keda" and not self.prometheus_url:
            raise PydanticCustomError(
                "clash",
                "found metricSource keda without prometheusUrl; allowed: metricSource keda with a "
                "prometheusUrl",
            )
        return self


Eviction = Literal["afterCalls", "never", "always"]
"""Whether the pods may be evicted from their nodes, and what becomes of their calls."""


class NetworkAccess(StrictModel):
    """Which peers may connect to the pods."""

    policy: bool = Field(
        default=True,
        description="Create a NetworkPolicy that admits only the agent's Asterisk pods, its own "
        "pods, the operator, and the peers in cidrs and namespaces. It does not limit what the "
        "pods connect to, such as models and tools. Default true: any client that reaches an open "
        "audio port can talk to the agent.",
    )
    cidrs: Annotated[
        tuple[Cidr, ...],
        # YAML and JSON have lists, not tuples; the items stay strict
        Field(strict=False, min_length=0, max_length=64),
        EachOnce(),
    ] = Field(
        default=(),
        description="Networks outside the cluster that may connect, such as that of an "
        "external Asterisk. Default none.",
    )
    namespaces: Annotated[
        tuple[DnsLabel, ...],
        Field(strict=False, min_length=0, max_length=64),
        EachOnce(),
    ] = Field(
        default=(),
        description="Namespaces whose pods may connect, such as Prometheus's. Default none.",
    )


class PodMetadata(StrictModel):
    """Labels and annotations of the pods."""

    labels: dict[str, str] = Field(
        default={},
        description="Labels added to the pods. The operator's own labels take precedence, because "
        "selectors use them. Default none.",
    )
    annotations: dict[str, str] = Field(
        default={},
        description="Annotations added to the pods. Default none.",
    )


class PodSpec(StrictModel):
    """Fields of a PodSpec, as a strategic merge patch."""

    termination_grace_period_seconds: int | None = Field(
        default=None,
        ge=0,
        le=1_000_000_000,  # 31 years, the API server's limit
        description="Time in seconds from the request to terminate to SIGKILL. Default "
        f"drain.timeoutSeconds + {AFTER_DRAIN_S}: calls may last as long as the drain, then come "
        "goodbyes. A shorter one is refused.",
    )

    model_config = ConfigDict(extra="allow")
    """The API server checks the other fields, in the Deployment. Rules see declared ones alone."""


class PodTemplate(StrictModel):
    """Overrides of the operator's pod template, in Kubernetes' own schema."""

    metadata: PodMetadata = Field(
        default=PodMetadata(), description="Labels and annotations of the pods."
    )
    spec: PodSpec = Field(
        default=PodSpec(),
        description="PodSpec fields, applied to the operator's pod template as a strategic merge "
        "patch: named list items merge by name, and $patch: delete removes an item. The agent's "
        "container is named media. Secrets of your own containers and volumes belong here; those "
        "of providers and tools are mounted by the operator. Default none: the operator's template "
        "suits a plain cluster.",
    )
