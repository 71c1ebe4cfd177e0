{{/* Checks against the cluster: what would make the release fail later, or break an existing installation. */}}

{{- define "interject.checks.metricsApi" -}}
{{- $metrics := .Values.metricsApi -}}
{{- if and (eq $metrics.certificate "secret") (not (and $metrics.secretName $metrics.caBundle)) -}}
{{- fail "metricsApi.certificate: found secret without secretName and caBundle; set both" -}}
{{- end -}}
{{- if eq $metrics.certificate "secret" -}}
{{- include "interject.checks.secret" (dict "root" . "value" "metricsApi.secretName" "name" $metrics.secretName) -}}
{{- end -}}
{{- if and (eq $metrics.certificate "certManager") (not $metrics.certManager.issuerRef.name) -}}
{{- fail "metricsApi.certManager.issuerRef: found no name; metricsApi.certificate: certManager needs the name of an issuer" -}}
{{- end -}}
{{- /* Each cluster has the APIService v1. */ -}}
{{- if not (or $metrics.onlyProvider (lookup "apiregistration.k8s.io/v1" "APIService" "" "v1.")) -}}
{{- fail "metricsApi.enabled: found true, and no access to the cluster to check for another provider of custom.metrics.k8s.io (helm template, Argo CD), which this release would replace; if kubectl get apiservices lists none, set metricsApi.onlyProvider=true" -}}
{{- end -}}
{{- range tuple "v1beta1.custom.metrics.k8s.io" "v1beta2.custom.metrics.k8s.io" -}}
{{- $existing := lookup "apiregistration.k8s.io/v1" "APIService" "" . -}}
{{- with dig "spec" "service" dict $existing -}}
{{- if not (and (eq .name (include "interject.metricsApi" $)) (eq .namespace $.Release.Namespace)) -}}
{{- fail (printf "metricsApi.enabled: found Service %s/%s registered for custom.metrics.k8s.io already, and a cluster can have only one provider; set metricsApi.enabled=false, and autoscaling.metricSource of VoiceAgents to prometheus-adapter, keda or none" .namespace .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A generated password is kept by reading it from the cluster. Without access to it each render would
generate another one. */}}
{{- define "interject.checks.passwords" -}}
{{- $name := include "interject.asterisk" . -}}
{{- $there := (lookup "v1" "Secret" .Release.Namespace $name).data | default dict -}}
{{- range .Values.asterisk.phones -}}
{{- if not (or .existingSecret .password (hasKey $there .name) (include "interject.reachable" $)) -}}
{{- fail (printf "asterisk.phones: found no password for %s, and no access to the cluster to keep a generated one (helm template, helm --dry-run=client, Argo CD); create a Secret and set existingSecret, or set password" .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "interject.checks.kinds" -}}
{{- $wanted := list
  (list .Values.monitoring.podMonitor.enabled "monitoring.coreos.com/v1/PodMonitor" "monitoring.podMonitor.enabled" "the Prometheus Operator, or set monitoring.annotations instead")
  (list .Values.alerts.enabled "monitoring.coreos.com/v1/PrometheusRule" "alerts.enabled" "the Prometheus Operator, or set it to false")
  (list (and .Values.metricsApi.enabled (eq .Values.metricsApi.certificate "certManager")) "cert-manager.io/v1/Certificate" "metricsApi.certificate" "cert-manager, or set it to self")
-}}
{{- range $wanted -}}
{{- if and (index . 0) (include "interject.apisKnown" $) (not ($.Capabilities.APIVersions.Has (index . 1))) -}}
{{- fail (printf "%s: found no %s in the cluster; install %s" (index . 2) (index . 1) (index . 3)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "interject.checks.crd" -}}
{{- $known := .Capabilities.APIVersions.Has "interject.dev/v1alpha1/VoiceAgent" -}}
{{- $name := "voiceagents.interject.dev" -}}
{{- if .Values.crds.enabled -}}
{{- with lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" $name -}}
{{- $owner := .metadata.annotations | default dict -}}
{{- $release := get $owner "meta.helm.sh/release-name" -}}
{{- $namespace := get $owner "meta.helm.sh/release-namespace" -}}
{{- if not (and (eq $release $.Release.Name) (eq $namespace $.Release.Namespace)) -}}
{{- fail (printf "crds.enabled: found %s in the cluster, %s; set crds.enabled=false, or delete it if there are no VoiceAgents" $name (ternary (printf "owned by release %s in namespace %s" $release $namespace) "not owned by a Helm release" (not (empty $release)))) -}}
{{- end -}}
{{- end -}}
{{- else if include "interject.apisKnown" . -}}
{{- if not $known -}}
{{- fail (printf "crds.enabled: found false, and no CRD %s in the cluster; set it to true, or run kubectl apply --server-side -f crds/" $name) -}}
{{- end -}}
{{- if .Values.crds.check -}}
{{- with lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" $name -}}
{{- $ours := $.Files.Get "files/crds/voiceagents.interject.dev.yaml" | fromYaml -}}
{{- $missing := include "interject.crd.missing" (dict "ours" (first $ours.spec.versions).schema.openAPIV3Schema "theirs" (first .spec.versions).schema.openAPIV3Schema "path" "VoiceAgent") | trim -}}
{{- if $missing -}}
{{- fail (printf "crds.enabled: found CRD %s without the field %s, so it is older than operator %s; run kubectl apply --server-side -f crds/ of this version first" $name (splitList "\n" $missing | first) $.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Paths of fields that one schema has and the other lacks, one per line. Arguments: ours, theirs, path. */}}
{{- define "interject.crd.missing" -}}
{{- range $key, $ours := .ours.properties -}}
{{- $path := printf "%s.%s" $.path $key -}}
{{- $theirs := dig "properties" $key dict $.theirs -}}
{{- if not $theirs -}}
{{- $path | println -}}
{{- else -}}
{{- include "interject.crd.missing" (dict "ours" $ours "theirs" $theirs "path" $path) -}}
{{- with $ours.items -}}
{{- include "interject.crd.missing" (dict "ours" . "theirs" (default dict $theirs.items) "path" (printf "%s[]" $path)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
