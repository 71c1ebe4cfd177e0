{{/* Common parts of the pods of operator and Asterisk. */}}

{{/* Metadata of a pod template. Arguments: root, component, settings; optional: labels, annotations, port. */}}
{{- define "interject.pod.metadata" -}}
{{- $scraped := dict -}}
{{- if and .root.Values.monitoring.annotations .port -}}
{{- $scraped = dict "prometheus.io/scrape" "true" "prometheus.io/port" (toString .port) "prometheus.io/path" "/metrics" -}}
{{- end -}}
labels:
  {{- include "interject.labels" . | nindent 2 }}
  {{- with merge (dict) (default (dict) .labels) .settings.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) .settings.podAnnotations (default (dict) .annotations) $scraped .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Scheduling and security context of a pod. Arguments: root, component, settings. */}}
{{- define "interject.pod.placement" -}}
# The variables of Services could clash with INTERJECT_* variables.
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .settings.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .settings.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .settings.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .settings.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
affinity:
  {{- if .settings.affinity }}
  {{- toYaml .settings.affinity | nindent 2 }}
  {{- else }}
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "interject.selectorLabels" . | nindent 14 }}
  {{- end }}
{{- with .settings.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
