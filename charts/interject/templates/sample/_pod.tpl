{{/* A pod that runs a command on the sample. Arguments: root, args, restartPolicy. */}}
{{- define "interject.sample.pod" -}}
{{- $name := include "interject.sample" .root -}}
serviceAccountName: {{ $name }}
restartPolicy: {{ .restartPolicy }}
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "interject.pod.securityContext" (dict "root" .root "settings" .root.Values.operator) }}
securityContext:
  {{- . | nindent 2 }}
{{- end }}
{{- with .root.Values.operator }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: sample
    image: {{ include "interject.image" (dict "root" $.root "image" .image) }}
    imagePullPolicy: {{ .image.pullPolicy }}
    args: {{ toJson $.args }}
    env:
      - name: INTERJECT_NAMESPACE
        valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
    {{- with .securityContext }}
    securityContext:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with $.root.Values.sample.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end }}
{{- end -}}
