{{/* Checks that values.schema.json cannot express: conflicts between values. Each message names the value,
what was found, and the remedy. */}}

{{- define "interject.checks.ports" -}}
{{- $asterisk := .Values.asterisk -}}
{{- $first := include "interject.asterisk.ports" (dict "root" . "ordinal" 0) | fromJson -}}
{{- $last := include "interject.asterisk.ports" (dict "root" . "ordinal" (max 0 (sub (int $asterisk.replicas) 1))) | fromJson -}}
{{- $size := int (add1 (sub (int $first.last) (int $first.first))) -}}
{{- $needed := int (mul 2 (int $asterisk.calls)) -}}
{{- if lt $size $needed -}}
{{- fail (printf "asterisk.rtp: found ports %v to %v; asterisk.calls: %v needs %d ports; remove asterisk.rtp.lastPort, or lower asterisk.calls" $first.first $first.last $asterisk.calls $needed) -}}
{{- end -}}
{{- if and (gt $size 4000) (ne $asterisk.exposure.type "hostNetwork") -}}
{{- fail (printf "asterisk.rtp: found %d ports, but a Service can expose 4000 at most; set asterisk.exposure.type: hostNetwork" $size) -}}
{{- end -}}
{{- $sip := include "interject.asterisk.sip" (dict "root" . "ordinal" 0) | fromJson -}}
{{- if not $sip.list -}}
{{- fail "asterisk.sip: found udp, tcp and tls disabled; enable at least one" -}}
{{- end -}}
{{- range $ordinal := until (int $asterisk.replicas) -}}
{{- range (include "interject.asterisk.sip" (dict "root" $ "ordinal" $ordinal) | fromJson).list -}}
{{- if and (ge (int .port) (int $first.first)) (le (int .port) (int $last.last)) -}}
{{- fail (printf "asterisk.sip: found port %v (%s) inside the RTP port range %v to %v; choose a port outside it, or change asterisk.rtp.firstPort" .port .name $first.first $last.last) -}}
{{- end -}}
{{- if eq $asterisk.exposure.type "nodePort" -}}
{{- include "interject.checks.nodePort" (dict "root" $ "value" "asterisk.sip" "port" .port) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $asterisk.sip.tls.enabled (eq (int $first.sip) (int $first.tls)) -}}
{{- fail (printf "asterisk.sip.tls.port: found %v, the same as asterisk.sip.port; choose another port" $first.tls) -}}
{{- end -}}
{{- if eq $asterisk.exposure.type "nodePort" -}}
{{- range list $first.first $last.last -}}
{{- include "interject.checks.nodePort" (dict "root" $ "value" "asterisk.rtp" "port" .) -}}
{{- end -}}
{{- else if gt (int $first.last) 65535 -}}
{{- fail (printf "asterisk.rtp: found ports up to %v, but the highest port is 65535; lower asterisk.rtp.firstPort or asterisk.calls" $first.last) -}}
{{- end -}}
{{- end -}}

{{- define "interject.checks.address" -}}
{{- $asterisk := .Values.asterisk -}}
{{- $address := $asterisk.externalAddress -}}
{{- if and (kindIs "slice" $address) (ne (len $address) (int $asterisk.replicas)) -}}
{{- fail (printf "asterisk.externalAddress: found %d addresses for %v pods; list one address for each pod" (len $address) $asterisk.replicas) -}}
{{- end -}}
{{- if and (kindIs "string" $address) $address (eq $asterisk.exposure.type "loadBalancer") (gt (int $asterisk.replicas) 1) -}}
{{- fail (printf "asterisk.externalAddress: found one address for %v pods, each with its own load balancer; list one address for each pod" $asterisk.replicas) -}}
{{- end -}}
{{- end -}}

{{- define "interject.checks.nodePort" -}}
{{- $range := .root.Values.asterisk.exposure.nodePorts -}}
{{- if or (lt (int .port) (int $range.first)) (gt (int .port) (int $range.last)) -}}
{{- fail (printf "%s: found port %v, outside the NodePort range %v to %v; choose ports in the range, lower asterisk.calls, or change asterisk.exposure.type" .value .port $range.first $range.last) -}}
{{- end -}}
{{- end -}}

{{- define "interject.checks.accounts" -}}
{{- $asterisk := .Values.asterisk -}}
{{- $names := list -}}
{{- range $kind := list "phones" "trunks" -}}
{{- range index $asterisk $kind -}}
{{- if has .name $names -}}
{{- fail (printf "asterisk.%s: found the name %s twice; names of phones and trunks must be unique" $kind .name) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- if and .password .existingSecret -}}
{{- fail (printf "asterisk.%s: found both password and existingSecret for %s; set only one of them" $kind .name) -}}
{{- end -}}
{{- if and (eq (default "none" .encryption) "sdes") (ne (default "" .transport) "tls") -}}
{{- fail (printf "asterisk.%s: found encryption sdes without transport tls for %s, which sends the SRTP keys in clear text; set transport: tls" $kind .name) -}}
{{- end -}}
{{- if and (eq (default "" .transport) "tls") (not $asterisk.sip.tls.enabled) -}}
{{- fail (printf "asterisk.%s: found transport tls for %s, but TLS is disabled; set asterisk.sip.tls.enabled: true" $kind .name) -}}
{{- end -}}
{{- with .existingSecret -}}
{{- include "interject.checks.secret" (dict "root" $ "value" (printf "asterisk.%s" $kind) "name" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $asterisk.phones -}}
{{- if not (or .extension (regexMatch "^[0-9]+$" .name)) -}}
{{- fail (printf "asterisk.phones: found %s without an extension; set extension, or use a numeric name" .name) -}}
{{- end -}}
{{- end -}}
{{- range $asterisk.trunks -}}
{{- if and .register (not .user) -}}
{{- fail (printf "asterisk.trunks: found register: true without user for %s; set user and a password" .name) -}}
{{- end -}}
{{- if and .user (not .password) (not .existingSecret) -}}
{{- fail (printf "asterisk.trunks: found user without a password for %s; set password or existingSecret" .name) -}}
{{- end -}}
{{- end -}}
{{- with $asterisk.sip.tls -}}
{{- if and .enabled (not .secretName) -}}
{{- fail "asterisk.sip.tls.secretName: found no name; set it to a Secret of type kubernetes.io/tls" -}}
{{- else if .enabled -}}
{{- include "interject.checks.secret" (dict "root" $ "value" "asterisk.sip.tls.secretName" "name" .secretName) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Fails if a Secret is missing. Arguments: root, value, name. */}}
{{- define "interject.checks.secret" -}}
{{- if not (lookup "v1" "Secret" .root.Release.Namespace .name) -}}
{{- if include "interject.reachable" .root -}}
{{- fail (printf "%s: found no Secret %s in namespace %s; create it first" .value .name .root.Release.Namespace) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "interject.checks.numbers" -}}
{{- $asterisk := .Values.asterisk -}}
{{- range $asterisk.phones -}}
{{- if and $.Values.sample.enabled (eq (default .name .extension) $.Values.sample.extension) -}}
{{- fail (printf "sample.extension: found %s, which is already the number of phone %s; choose another number" $.Values.sample.extension .name) -}}
{{- end -}}
{{- end -}}
{{- if not (or $asterisk.published $asterisk.agents $asterisk.extraValues.agents) -}}
{{- fail "asterisk.published: found false and no asterisk.agents, so that no extension exists; list agents, or set it to true" -}}
{{- end -}}
{{- end -}}

{{- define "interject.checks.namespaces" -}}
{{- $watched := .Values.operator.watchNamespaces -}}
{{- $own := .Release.Namespace -}}
{{- if and $watched (not (has $own $watched)) (or .Values.sample.enabled (and .Values.asterisk.enabled .Values.asterisk.published)) -}}
{{- fail (printf "operator.watchNamespaces: found %s, which does not include %s, the namespace of Asterisk and the sample; add it, or set sample.enabled and asterisk.published to false" (join ", " $watched) $own) -}}
{{- end -}}
{{- end -}}
