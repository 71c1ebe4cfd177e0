{{/* Values of asterisk-image/VALUES.md for one pod. Arguments: root, ordinal. */}}
{{- define "interject.asterisk.values" -}}
{{- $values := .root.Values.asterisk -}}
{{- $ports := include "interject.asterisk.ports" . | fromJson -}}
{{- $transports := list -}}
{{- if $values.sip.udp }}{{ $transports = append $transports "udp" }}{{ end -}}
{{- if $values.sip.tcp }}{{ $transports = append $transports "tcp" }}{{ end -}}
{{- $sip := dict "port" (int $ports.sip) "transports" $transports "anonymous" $values.sip.anonymous "localNetworks" $values.sip.localNetworks -}}
{{- with include "interject.asterisk.external" . -}}
{{- $_ := set $sip "externalAddress" . -}}
{{- end -}}
{{- if $values.sip.tls.enabled -}}
{{- $_ := set $sip "tls" (dict "port" (int $ports.tls) "certificate" "/etc/interject/tls/tls.crt" "key" "/etc/interject/tls/tls.key") -}}
{{- end -}}
{{- $rtp := dict "firstPort" (int $ports.first) "lastPort" (int $ports.last) -}}
{{- $all := dict "agents" $values.agents "published" $values.published "queues" $values.queues "drainSeconds" (int $values.drainSeconds) "maxCalls" (int $values.calls) "sip" $sip "rtp" $rtp -}}
{{- with $values.transferPlaces }}{{ $_ := set $all "transferPlaces" . }}{{ end -}}
{{- with $values.codecs }}{{ $_ := set $all "codecs" . }}{{ end -}}
{{- with $values.fallback }}{{ $_ := set $all "fallback" . }}{{ end -}}
{{- with $values.metricsPort }}{{ $_ := set $all "metricsPort" (int .) }}{{ end -}}
{{- range $kind := list "phones" "trunks" -}}
{{- $parts := list -}}
{{- range $index, $part := index $values $kind -}}
{{- $one := omit $part "password" "existingSecret" "secretKey" -}}
{{- if or (eq $kind "phones") $part.user -}}
{{- $_ := set $one "password" (dict "env" (include "interject.asterisk.variable" (dict "kind" $kind "index" $index))) -}}
{{- end -}}
{{- $parts = append $parts $one -}}
{{- end -}}
{{- $_ := set $all $kind $parts -}}
{{- end -}}
{{- mergeOverwrite $all (deepCopy $values.extraValues) | toYaml -}}
{{- end -}}

{{/* Number plans of the operator as JSON, by the name of the Asterisk; see asterisk_config/number_plan.py. */}}
{{- define "interject.numberPlans" -}}
{{- $asterisk := .Values.asterisk -}}
{{- $values := include "interject.asterisk.values" (dict "root" . "ordinal" 0) | fromYaml -}}
{{- $phones := list -}}
{{- $queues := list -}}
{{- $agents := list -}}
{{- if $asterisk.enabled -}}
{{- range $values.phones }}{{ $phones = append $phones (default .name .extension) }}{{ end -}}
{{- range $queue := $values.queues -}}
{{- range compact (list $queue.extension (regexFind "^[0-9]+$" (toString $queue.name))) }}{{ $queues = append $queues . }}{{ end -}}
{{- end -}}
{{- range $values.agents }}{{ $agents = concat $agents (default list .extensions) }}{{ end -}}
{{- end -}}
{{- $plan := dict "phones" $phones "queues" $queues "agents" $agents "transferPlaces" (default list $values.transferPlaces) -}}
{{- dict $asterisk.name (merge $plan $asterisk.numbers) | toJson -}}
{{- end -}}

{{/* Name of the environment variable with a password. Arguments: kind (phones or trunks), index. The name of
a phone can have characters that a variable name cannot have. */}}
{{- define "interject.asterisk.variable" -}}
PASSWORD_{{ .kind | upper }}_{{ .index }}
{{- end -}}
