{{/* Environment variables of `interject-operator run`. */}}
{{- define "interject.operator.env" -}}
{{- $operator := .Values.operator -}}
{{- $metrics := .Values.metricsApi -}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: INTERJECT_LEASE_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: INTERJECT_LEASE_NAME
  value: {{ include "interject.operator" . }}
- name: INTERJECT_NAMESPACES
  value: {{ join " " $operator.watchNamespaces | quote }}
{{- with $operator.asteriskNamespaces }}
- name: INTERJECT_ASTERISK_NAMESPACES
  value: {{ join " " . | quote }}
{{- end }}
- name: INTERJECT_MEDIA_IMAGE
  value: {{ include "interject.image" (dict "root" . "image" $operator.mediaImage) | quote }}
- name: INTERJECT_PULL_POLICY
  value: {{ $operator.mediaImage.pullPolicy }}
- name: INTERJECT_MEDIA_USER_ID
  value: {{ kindIs "invalid" .Values.runAsUser | ternary "assigned" (.Values.runAsUser | toString) | quote }}
{{- with $operator.agentSecretPrefix }}
- name: INTERJECT_AGENT_SECRET_PREFIX
  value: {{ . | quote }}
{{- end }}
{{- with .Values.monitoring.podMonitor.labels }}
{{- $labels := list }}
{{- range $key, $value := . }}{{ $labels = append $labels (printf "%s=%s" $key $value) }}{{ end }}
- name: INTERJECT_POD_MONITOR_LABELS
  value: {{ join " " $labels | quote }}
{{- end }}
- name: INTERJECT_RESYNC_SECONDS
  value: {{ $operator.resyncSeconds | quote }}
- name: INTERJECT_LOG_FORMAT
  value: {{ .Values.logFormat }}
- name: INTERJECT_NUMBER_PLANS
  value: {{ include "interject.numberPlans" . | quote }}
{{- with .Values.telemetry.otlpEndpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
- name: INTERJECT_MEDIA_OTLP_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- if $metrics.enabled }}
- name: INTERJECT_METRICS_API_PORT
  value: {{ $metrics.port | quote }}
{{- if eq $metrics.certificate "self" }}
- name: INTERJECT_METRICS_API_SECRET
  value: {{ include "interject.metricsApi.secret" . | quote }}
- name: INTERJECT_METRICS_API_SERVICE
  value: {{ include "interject.metricsApi" . }}
{{- else }}
- name: INTERJECT_METRICS_API_CERTIFICATE
  value: /etc/interject/metrics-api/tls.crt
- name: INTERJECT_METRICS_API_KEY
  value: /etc/interject/metrics-api/tls.key
{{- end }}
{{- end }}
{{- with $operator.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
