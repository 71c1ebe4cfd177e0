{{/* The sample VoiceAgent: examples/parcel-desk.yaml with an extension. */}}
{{- define "interject.sample.agent" -}}
{{- $telephony := dict "extensions" (list .Values.sample.extension) "asterisk" .Values.asterisk.name -}}
{{- $bargeIn := dict "backchannels" "stop" -}}
{{- $spec := dict "dialogue" (dict "kind" "parcelDesk") "telephony" $telephony "bargeIn" $bargeIn -}}
{{- if not (kindIs "invalid" .Values.sample.replicas) -}}
{{- $_ := set $spec "replicas" (int .Values.sample.replicas) -}}
{{- end -}}
{{- with .Values.imagePullSecrets -}}
{{- $_ := set $spec "podTemplate" (dict "spec" (dict "imagePullSecrets" .)) -}}
{{- end -}}
apiVersion: interject.dev/v1alpha1
kind: VoiceAgent
metadata:
  {{- include "interject.metadata" (dict "root" . "component" "sample" "name" .Values.sample.name) | nindent 2 }}
spec:
  {{- mergeOverwrite $spec (deepCopy .Values.sample.spec) | toYaml | nindent 2 }}
{{- end -}}
