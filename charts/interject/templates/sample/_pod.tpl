{{/* The pod that applies the sample. */}}
{{- define "interject.sample.pod" -}}
{{- $name := include "interject.sample" . -}}
metadata:
  labels:
    {{- include "interject.labels" (dict "root" $ "component" "sample") | nindent 4 }}
spec:
  serviceAccountName: {{ $name }}
  restartPolicy: OnFailure
  enableServiceLinks: false
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.operator }}
  {{- with .podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: apply
      image: {{ include "interject.image" (dict "root" $ "image" .image) }}
      imagePullPolicy: {{ .image.pullPolicy }}
      args: [apply, {{ $name }}]
      env:
        - name: INTERJECT_NAMESPACE
          valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
      {{- with .securityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $.Values.sample.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
  {{- end }}
{{- end -}}
