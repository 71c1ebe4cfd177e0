{{/* Where our pods go: rules of egress. */}}

{{- define "interject.egress.dns" -}}
- ports:
    {{- range .Values.networkPolicy.dnsPorts }}
    - {port: {{ . }}, protocol: UDP}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
{{- end -}}

{{/* DNS and the API server, which is in the network of nodes. */}}
{{- define "interject.egress.cluster" -}}
{{ include "interject.egress.dns" . }}
- ports:
    {{- range .Values.networkPolicy.apiServerPorts }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
{{- end -}}

{{/* Media pods of every namespace, whatever ports their VoiceAgents say. */}}
{{- define "interject.egress.media" -}}
- to:
    - namespaceSelector: {}
      podSelector:
        matchLabels:
          app.kubernetes.io/name: interject-media
{{- end -}}
