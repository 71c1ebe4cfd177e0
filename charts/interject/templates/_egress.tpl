{{/* Egress rules. */}}

{{- define "interject.egress.dns" -}}
- ports:
    {{- range .Values.networkPolicy.dnsPorts }}
    - {port: {{ . }}, protocol: UDP}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
{{- end -}}

{{/* DNS and the API server. The API server uses the network of nodes, so only its ports are restricted. */}}
{{- define "interject.egress.cluster" -}}
{{ include "interject.egress.dns" . }}
- ports:
    {{- range .Values.networkPolicy.apiServerPorts }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
{{- end -}}

{{/* Media pods of every namespace, on any port: a VoiceAgent can choose its ports. */}}
{{- define "interject.egress.media" -}}
- to:
    - namespaceSelector: {}
      podSelector:
        matchLabels:
          app.kubernetes.io/name: interject-media
{{- end -}}
