"""The render matrix: values that cover every option."""

from typing import Any

_KNOBS: dict[str, Any] = {
    "annotations": {"example.com/owner": "voice"},
    "labels": {"team": "voice"},
    "podAnnotations": {"example.com/pod": "yes"},
    "podLabels": {"tier": "calls"},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "calls", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "ScheduleAnyway",
        }
    ],
    "priorityClassName": "calls",
    "extraEnv": [{"name": "EXTRA", "value": "1"}],
    "extraVolumes": [{"name": "extra", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "extra", "mountPath": "/extra"}],
}
_DIGEST = "sha256:" + "0" * 64

METRICS_API: dict[str, Any] = {"enabled": True, "onlyProvider": True}
"""What enables it where the chart is rendered without a cluster."""

EVERYTHING: dict[str, Any] = {
    "commonLabels": {"cost": "42"},
    "commonAnnotations": {"example.com/by": "us"},
    "imagePullSecrets": [{"name": "registry"}],
    "logFormat": "text",
    "metricsApi": METRICS_API,
    "telemetry": {"otlpEndpoint": "http://jaeger-collector.tracing:4318"},
    "operator": {
        **_KNOBS,
        "verbose": True,
        "image": {"repository": "example.com/operator", "digest": _DIGEST},
        "mediaImage": {"repository": "example.com/media", "tag": "2"},
        "serviceAccount": {"annotations": {"example.com/role": "voice"}},
    },
    "asterisk": {
        **_KNOBS,
        "replicas": 2,
        "metricsPort": 9101,
        "sip": {"tls": {"enabled": True, "secretName": "sip-tls"}},
        "externalAddress": ["192.0.2.1", "sip2.example.com"],
        "codecs": ["alaw", "g722"],
        "fallback": {"kind": "message", "sound": "vm-goodbye"},
        "phones": [
            {"name": "anna", "extension": "601", "existingSecret": "anna", "secretKey": "sip"},
            {"name": "602", "codecs": ["g722"], "password": "battery-staple"},
            {"name": "603", "password": "correct-horse"},
        ],
        "trunks": [
            {
                "name": "provider",
                "host": "sip.example.com",
                "transport": "tls",
                "encryption": "sdes",
                "register": True,
                "user": "302101234567",
                "password": "hidden",
            },
            {"name": "pbx", "host": "192.0.2.9", "match": ["192.0.2.0/24"]},
        ],
        "queues": [{"name": "desk", "extension": "700", "members": ["602", "603"]}],
        "extraValues": {"logLevel": "verbose"},
    },
    "sample": {"spec": {"capacity": {"calls": 5}}},
    "networkPolicy": {
        "callers": [{"ipBlock": {"cidr": "192.0.2.0/24"}}],
        "scrapers": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
        "operator": {"extraEgress": [{"ports": [{"port": 9000, "protocol": "TCP"}]}]},
    },
    "monitoring": {"annotations": True, "podMonitor": {"enabled": True, "labels": {"a": "b"}}},
    "dashboards": {"enabled": True},
    "alerts": {"enabled": True},
    "extraObjects": [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "{{ .Release.Name }}-more"},
            "data": {"of": "{{ .Chart.Name }}"},
        },
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: as-text\n",
    ],
}

CASES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "everything": EVERYTHING,
    "nothing": {
        "crds": {"enabled": False},
        "operator": {
            "rbac": {"create": False},
            "serviceAccount": {"create": False},
            "podDisruptionBudget": {"enabled": False},
        },
        "asterisk": {"enabled": False},
        "sample": {"enabled": False},
        "networkPolicy": {"enabled": False},
    },
    "highly available": {
        "operator": {"replicas": 3, "podDisruptionBudget": {"maxUnavailable": "50%"}},
        "asterisk": {"replicas": 3, "calls": 100},
    },
    "some namespaces": {
        "operator": {"watchNamespaces": ["voice", "sales"], "asteriskNamespaces": ["sales"]}
    },
    "metrics API": {"metricsApi": METRICS_API},
    "cert-manager": {
        "metricsApi": METRICS_API
        | {
            "certificate": "certManager",
            "certManager": {"issuerRef": {"name": "ca", "kind": "ClusterIssuer"}},
        }
    },
    "a certificate of one's own": {
        "metricsApi": METRICS_API
        | {
            "certificate": "secret",
            "secretName": "metrics-tls",
            "caBundle": "-----BEGIN CERTIFICATE-----",
        }
    },
    "load balancers": {
        "asterisk": {
            "replicas": 2,
            "exposure": {
                "type": "loadBalancer",
                "loadBalancerClass": "example.com/nlb",
                "loadBalancerSourceRanges": ["192.0.2.0/24"],
                "annotations": {"example.com/lb": "internal"},
            },
        }
    },
    "the node's network": {"asterisk": {"replicas": 2, "exposure": {"type": "hostNetwork"}}},
    "names that look like numbers": {
        "operator": {
            "watchNamespaces": ["voice", "1"],
            "priorityClassName": "5",
            "serviceAccount": {"create": False, "name": "8"},
        },
        "asterisk": {
            "name": "9",
            "priorityClassName": "5",
            "phones": [{"name": "601", "existingSecret": "11", "secretKey": "12"}],
            "sip": {"tls": {"enabled": True, "secretName": "13"}},
            "serviceAccount": {"name": "10"},
        },
        "metricsApi": METRICS_API | {"certificate": "secret", "secretName": "14", "caBundle": "x"},
        "monitoring": {"podMonitor": {"enabled": True, "interval": "15"}},
    },
    "inside the cluster alone": {"asterisk": {"exposure": {"type": "clusterIP"}}},
}
