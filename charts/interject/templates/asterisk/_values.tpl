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
{{- range $part := index $values $kind -}}
{{- $one := omit $part "password" "existingSecret" "secretKey" -}}
{{- if or (eq $kind "phones") $part.user -}}
{{- $_ := set $one "password" (dict "file" (include "interject.asterisk.passwordFile" (dict "root" $.root "part" $part))) -}}
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

{{/* What Asterisk reads at its start only, for all pods: a change replaces them. The rest of the values is
loaded into running pods (asterisk_config/values_watch.py). The seed dialplan needs a module that is not
loaded otherwise; a trunk with TLS changes the transport, which PJSIP does not reload. */}}
{{- define "interject.asterisk.startValues" -}}
{{- $values := include "interject.asterisk.values" (dict "root" . "ordinal" 0) | fromYaml -}}
{{- $seed := false -}}
{{- range $values.agents }}{{ if eq (default "" .dialplan) "seed" }}{{ $seed = true }}{{ end }}{{ end -}}
{{- $verifies := false -}}
{{- range $values.trunks }}{{ if eq (default "" .transport) "tls" }}{{ $verifies = true }}{{ end }}{{ end -}}
{{- $addresses := list -}}
{{- range $ordinal := until (int .Values.asterisk.replicas) -}}
{{- $addresses = append $addresses (include "interject.asterisk.external" (dict "root" $ "ordinal" $ordinal)) -}}
{{- end -}}
{{- $start := omit $values "agents" "api" "codecs" "fallback" "phones" "queues" "timeouts" "trunks" -}}
{{- list $start $seed $verifies (compact $addresses) | toJson -}}
{{- end -}}

{{/* Path of a file with a password. Arguments: root, part (a phone or a trunk). */}}
{{- define "interject.asterisk.passwordFile" -}}
{{- $secret := default (include "interject.asterisk" .root) .part.existingSecret -}}
{{- $key := ternary (default "password" .part.secretKey) .part.name (not (empty .part.existingSecret)) -}}
/etc/interject/passwords/{{ $secret }}/{{ $key }}
{{- end -}}

{{/* Names of the Secrets with passwords, as a JSON array. */}}
{{- define "interject.asterisk.secrets" -}}
{{- $names := list (include "interject.asterisk" .) -}}
{{- range .Values.asterisk.phones }}{{ with .existingSecret }}{{ $names = append $names . }}{{ end }}{{ end -}}
{{- range .Values.asterisk.trunks }}{{ if .user }}{{ with .existingSecret }}{{ $names = append $names . }}{{ end }}{{ end }}{{ end -}}
{{- $names | uniq | sortAlpha | toJson -}}
{{- end -}}

{{/* Name of the volume with a Secret: the name of a Secret can be longer than that of a volume. */}}
{{- define "interject.asterisk.secretVolume" -}}
passwords-{{ sha256sum . | trunc 8 }}
{{- end -}}
