{{/* Environment variables of Asterisk's container. Each pod has its own values file. */}}
{{- define "interject.asterisk.env" -}}
{{- $values := .Values.asterisk -}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: INTERJECT_VALUES
  value: /etc/interject/values/$(POD_NAME).yaml
{{- if and (eq $values.exposure.type "nodePort") (not $values.externalAddress) }}
- name: INTERJECT_EXTERNAL_ADDRESS
  valueFrom: {fieldRef: {fieldPath: status.hostIP}}
{{- end }}
{{- with $values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
