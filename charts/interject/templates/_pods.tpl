{{/* Common parts of the pods of operator and Asterisk. */}}

{{/* Metadata of a pod template. Arguments: root, component, settings; optional: labels, annotations, port. */}}
{{- define "interject.pod.metadata" -}}
{{- $scraped := dict -}}
{{- if and .root.Values.monitoring.annotations .port -}}
{{- $scraped = dict "prometheus.io/scrape" "true" "prometheus.io/port" (toString .port) "prometheus.io/path" "/metrics" -}}
{{- end -}}
labels:
  {{- include "interject.podLabels" . | nindent 2 }}
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
{{- with include "interject.pod.securityContext" . }}
securityContext:
  {{- . | nindent 2 }}
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

{{/* Security context of a pod, empty if nothing is set. Arguments: root, settings. */}}
{{- define "interject.pod.securityContext" -}}
{{- $context := deepCopy (default dict .settings.podSecurityContext) -}}
{{- with .root.Values.runAsUser -}}
{{- $context = merge $context (dict "runAsUser" (int .) "runAsGroup" (int .) "fsGroup" (int .)) -}}
{{- end -}}
{{- with $context -}}{{- toYaml . -}}{{- end -}}
{{- end -}}

{{/* A liveness or startup probe fails because the container hangs. Its SIGTERM would start a drain, during
which the hung container keeps its callers: it is killed after these seconds instead. */}}
{{- define "interject.pod.hungSeconds" -}}5{{- end -}}
