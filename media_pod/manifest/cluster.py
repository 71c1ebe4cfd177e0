"""What a VoiceAgent says about its life in a cluster; a laptop ignores all of it."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from media_pod.manifest.rules import Rule, in_cluster
from media_pod.manifest.types import Cidr, DnsLabel, EachOnce, HttpUrl
from media_pod.manifest.validation import StrictModel


class Autoscaling(StrictModel):
    """How the number of pods follows the number of calls."""

    metric_source: Literal["none", "operator", "prometheus-adapter", "keda"] = Field(
        default="none",
        description="Who tells the autoscaler how many calls there are. none: nobody, and replicas "
        "stays as it is written. operator: Interject's own operator, if its metrics API is "
        "installed. prometheus-adapter: that adapter, as metric interject_active_calls of pods. "
        "keda: a ScaledObject that asks prometheusUrl. Default none: the others need something "
        "that a plain cluster does not have.",
    )
    min_replicas: int = Field(
        default=2,
        ge=1,
        le=1000,
        description="Fewest pods. Default 2: one may be lost without a caller who finds nobody.",
    )
    max_replicas: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="Most pods. Default 10: a bound on what a flood costs.",
    )
    target_percent: int = Field(
        default=70,
        ge=1,
        le=100,
        description="Calls per pod that are aimed at, in percent of capacity.calls. Default 70: "
        "the rest takes the callers who come while a new pod starts.",
    )
    scale_down_seconds: int = Field(
        default=300,
        ge=0,
        le=3600,
        description="How long fewer calls must last before a pod goes, in seconds. Default 300, "
        "as in Kubernetes: calls come in waves, and a pod takes a while to load.",
    )
    prometheus_url: HttpUrl = Field(
        default="",
        description="Base URL of the Prometheus that keda asks, such as "
        "http://prometheus.monitoring:9090. Default empty: needed with keda alone.",
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
            found="metricSource keda alone",
            allowed="keda with a prometheusUrl",
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
                "clash", "found metricSource keda alone; allowed: keda with a prometheusUrl"
            )
        return self


class NetworkAccess(StrictModel):
    """Who may connect to the pods."""

    policy: bool = Field(
        default=True,
        description="Whether a NetworkPolicy lets only these connect: the Asterisk pods of this "
        "agent, its own pods, the operator, and what cidrs and namespaces list. Default true: an "
        "open port for audio lets anyone talk to the agent.",
    )
    cidrs: Annotated[
        tuple[Cidr, ...],
        # YAML and JSON have lists, not tuples; the items stay strict
        Field(strict=False, min_length=0, max_length=64),
        EachOnce(),
    ] = Field(
        default=(),
        description="Networks outside the cluster that may connect, such as an Asterisk of its "
        "own. Default none.",
    )
    namespaces: Annotated[
        tuple[DnsLabel, ...],
        Field(strict=False, min_length=0, max_length=64),
        EachOnce(),
    ] = Field(
        default=(),
        description="Namespaces whose pods may connect, such as that of Prometheus. Default none.",
    )


class PodMetadata(StrictModel):
    """Labels and annotations of the pods."""

    labels: dict[str, str] = Field(
        default={},
        description="Labels added to the pods, text to text. Default none. Those of the operator "
        "stay: they are how pods are found.",
    )
    annotations: dict[str, str] = Field(
        default={},
        description="Annotations added to the pods, text to text. Default none.",
    )


class PodTemplate(StrictModel):
    """Whatever else the pods should have, as Kubernetes writes it."""

    metadata: PodMetadata = Field(
        default=PodMetadata(), description="Labels and annotations of the pods."
    )
    spec: dict[str, Any] = Field(
        default={},
        description="Fields of a PodSpec, laid over the operator's by strategic merge: lists with "
        "names merge by name, $patch: delete removes an item. The container of the agent is called "
        "media. Secrets come in here by reference (env.valueFrom, envFrom, volumes). Default none: "
        "what the operator renders suits a plain cluster.",
    )
