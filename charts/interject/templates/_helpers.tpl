{{/* Names, labels and images. Templates for a component take a dict: root, component. */}}

{{- define "interject.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 40 characters: with a suffix, it must still fit into a label. */}}
{{- define "interject.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "interject.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "interject.operator" -}}{{ include "interject.fullname" . }}-operator{{- end -}}
{{- define "interject.asterisk" -}}{{ include "interject.fullname" . }}-asterisk{{- end -}}
{{- define "interject.sample" -}}{{ include "interject.fullname" . }}-sample{{- end -}}
{{- define "interject.metricsApi" -}}{{ include "interject.fullname" . }}-metrics-api{{- end -}}

{{- define "interject.metricsApi.secret" -}}
{{- default (printf "%s-tls" (include "interject.metricsApi" .)) .Values.metricsApi.secretName -}}
{{- end -}}

{{- define "interject.operator.serviceAccount" -}}
{{- $own := ternary (include "interject.operator" .) "default" .Values.operator.serviceAccount.create -}}
{{- default $own .Values.operator.serviceAccount.name -}}
{{- end -}}

{{- define "interject.asterisk.serviceAccount" -}}
{{- $own := ternary (include "interject.asterisk" .) "default" .Values.asterisk.serviceAccount.create -}}
{{- default $own .Values.asterisk.serviceAccount.name -}}
{{- end -}}

{{/* NetworkPolicies of media pods select the operator's pods by app.kubernetes.io/name. */}}
{{- define "interject.selectorLabels" -}}
app.kubernetes.io/name: interject-{{ .component }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
{{- end -}}

{{/* Labels of a pod template. None of them changes with the version of the chart: a changed template replaces
the pods, and those of Asterisk take their calls with them. */}}
{{- define "interject.podLabels" -}}
{{ include "interject.selectorLabels" . }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/part-of: interject
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "interject.labels" -}}
{{ include "interject.selectorLabels" . }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/part-of: interject
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Metadata of an object. Arguments: root, component, name; optional: namespace (false for none), labels,
annotations. */}}
{{- define "interject.metadata" -}}
name: {{ .name | quote }}
{{- if not (kindIs "bool" .namespace) }}
namespace: {{ default .root.Release.Namespace .namespace | quote }}
{{- end }}
labels:
  {{- include "interject.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) (default (dict) .annotations) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Image reference. Arguments: root, image. */}}
{{- define "interject.image" -}}
{{- $repository := .image.repository -}}
{{- with .root.Values.global.imageRegistry -}}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) $repository -}}
{{- end -}}
{{- if .image.digest -}}
{{ $repository }}@{{ .image.digest }}
{{- else -}}
{{ $repository }}:{{ default .root.Chart.AppVersion .image.tag }}
{{- end -}}
{{- end -}}

{{/* Images whose name has no registry, separated by commas: no registry has Interject's images. */}}
{{- define "interject.images.local" -}}
{{- $all := list .Values.operator.image .Values.operator.mediaImage -}}
{{- if .Values.asterisk.enabled }}{{ $all = append $all .Values.asterisk.image }}{{ end -}}
{{- $names := list -}}
{{- range $all -}}
{{- $name := include "interject.image" (dict "root" $ "image" .) -}}
{{- if not (contains "/" $name) }}{{ $names = append $names $name }}{{ end -}}
{{- end -}}
{{- join ", " $names -}}
{{- end -}}

{{/* "true" if the APIs of the cluster are known: `helm template` does not know this one by itself. This does not
mean that lookup works: Argo CD passes the APIs to `helm template`. */}}
{{- define "interject.apisKnown" -}}
{{- if .Capabilities.APIVersions.Has "apiregistration.k8s.io/v1/APIService" -}}true{{- end -}}
{{- end -}}

{{/* "true" if lookup works. Helm itself lists the Secrets of this namespace, for its releases. Without a
cluster lookup returns an empty map, and with one a list, even of no items. */}}
{{- define "interject.reachable" -}}
{{- if lookup "v1" "Secret" .Release.Namespace "" -}}true{{- end -}}
{{- end -}}
