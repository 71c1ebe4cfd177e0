{{/* Permissions of the operator, the same as in operator/voiceagent_operator/rights.py; a test
compares the two. */}}

{{- define "interject.rules.agents" -}}
- apiGroups: [interject.dev]
  resources: [voiceagents]
  verbs: [get, list, watch]
- apiGroups: [interject.dev]
  resources: [voiceagents/status]
  verbs: [patch]
- apiGroups: [interject.dev]
  resources: [voiceagents/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [serviceaccounts]
  verbs: &keep [get, list, watch, create, patch, update]
- apiGroups: [""]
  resources: [configmaps]
  verbs: &prune [get, list, watch, create, patch, update, delete]
- apiGroups: [""]
  resources: [services]
  verbs: *keep
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: *prune
- apiGroups: [apps]
  resources: [deployments]
  verbs: *keep
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: *keep
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: *prune
- apiGroups: [keda.sh]
  resources: [scaledobjects]
  verbs: *prune
- apiGroups: [monitoring.coreos.com]
  resources: [podmonitors]
  verbs: *keep
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, list]
{{- end -}}

{{- define "interject.rules.election" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, update]
  resourceNames: [{{ include "interject.operator" . }}]
{{- end -}}

{{- define "interject.rules.certificate" -}}
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, update]
  resourceNames: [{{ include "interject.metricsApi.secret" . | quote }}]
{{- end -}}

{{- define "interject.rules.apiServices" -}}
- apiGroups: [apiregistration.k8s.io]
  resources: [apiservices]
  verbs: [get, patch]
  resourceNames: [v1beta2.custom.metrics.k8s.io, v1beta1.custom.metrics.k8s.io]
{{- end -}}

{{/* A role and the operator's binding to it. Arguments: root, name, namespace (false: ClusterRole), rules. */}}
{{- define "interject.granted" -}}
{{- $kind := ternary "ClusterRole" "Role" (kindIs "bool" .namespace) }}
{{- $own := merge (dict "component" "operator") . }}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  {{- include "interject.metadata" $own | nindent 2 }}
rules:
  {{- .rules | nindent 2 }}
---
{{- include "interject.bound" (merge (dict "role" .name "roleKind" $kind) .) }}
{{- end -}}

{{/* The operator's binding to an existing role. Arguments: root, name, namespace, role, roleKind. */}}
{{- define "interject.bound" }}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ ternary "ClusterRoleBinding" "RoleBinding" (kindIs "bool" .namespace) }}
metadata:
  {{- include "interject.metadata" (merge (dict "component" "operator") .) | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .roleKind }}
  name: {{ .role }}
subjects:
  - kind: ServiceAccount
    name: {{ include "interject.operator.serviceAccount" .root | quote }}
    namespace: {{ .root.Release.Namespace | quote }}
{{- end -}}
