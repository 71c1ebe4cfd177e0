{{/* What values.schema.json cannot say: values that do not fit each other, or the cluster. Each sentence
names the value, what was found and the way out. */}}

{{- define "interject.checks.ports" -}}
{{- $asterisk := .Values.asterisk -}}
{{- $first := include "interject.asterisk.ports" (dict "root" . "ordinal" 0) | fromJson -}}
{{- $last := include "interject.asterisk.ports" (dict "root" . "ordinal" (max 0 (sub (int $asterisk.replicas) 1))) | fromJson -}}
{{- $size := int (add1 (sub (int $first.last) (int $first.first))) -}}
{{- $needed := int (mul 2 (int $asterisk.calls)) -}}
{{- if lt $size $needed -}}
{{- fail (printf "asterisk.rtp: found ports %v to %v; asterisk.calls: %v take %d ports: leave lastPort out, or ask for fewer calls" $first.first $first.last $asterisk.calls $needed) -}}
{{- end -}}
{{- if and (gt $size 4000) (ne $asterisk.exposure.type "hostNetwork") -}}
{{- fail (printf "asterisk.rtp: found %d ports, each of which is a port of a Service, and 4000 are the most; set asterisk.exposure.type: hostNetwork" $size) -}}
{{- end -}}
{{- $sip := include "interject.asterisk.sip" (dict "root" . "ordinal" 0) | fromJson -}}
{{- if not $sip.list -}}
{{- fail "asterisk.sip: found neither udp nor tcp nor tls; enable one of them" -}}
{{- end -}}
{{- range $ordinal := until (int $asterisk.replicas) -}}
{{- range (include "interject.asterisk.sip" (dict "root" $ "ordinal" $ordinal) | fromJson).list -}}
{{- if and (ge (int .port) (int $first.first)) (le (int .port) (int $last.last)) -}}
{{- fail (printf "asterisk.sip: found port %v (%s) among the ports of media, %v to %v; choose one outside, or move asterisk.rtp.firstPort" .port .name $first.first $last.last) -}}
{{- end -}}
{{- if eq $asterisk.exposure.type "nodePort" -}}
{{- include "interject.checks.nodePort" (dict "root" $ "value" "asterisk.sip" "port" .port) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $asterisk.sip.tls.enabled (eq (int $first.sip) (int $first.tls)) -}}
{{- fail (printf "asterisk.sip.tls.port: found %v, which asterisk.sip.port has; choose another" $first.tls) -}}
{{- end -}}
{{- if eq $asterisk.exposure.type "nodePort" -}}
{{- range list $first.first $last.last -}}
{{- include "interject.checks.nodePort" (dict "root" $ "value" "asterisk.rtp" "port" .) -}}
{{- end -}}
{{- else if gt (int $first.last) 65535 -}}
{{- fail (printf "asterisk.rtp: found ports up to %v; the last there is is 65535: begin lower, or ask for fewer calls" $first.last) -}}
{{- end -}}
{{- end -}}

{{- define "interject.checks.address" -}}
{{- $asterisk := .Values.asterisk -}}
{{- $address := $asterisk.externalAddress -}}
{{- if and (kindIs "slice" $address) (ne (len $address) (int $asterisk.replicas)) -}}
{{- fail (printf "asterisk.externalAddress: found %d addresses for %v pods; give each its own" (len $address) $asterisk.replicas) -}}
{{- end -}}
{{- if and (kindIs "string" $address) $address (eq $asterisk.exposure.type "loadBalancer") (gt (int $asterisk.replicas) 1) -}}
{{- fail (printf "asterisk.externalAddress: found one for %v pods, each with a load balancer of its own; give a list" $asterisk.replicas) -}}
{{- end -}}
{{- end -}}

{{- define "interject.checks.nodePort" -}}
{{- $range := .root.Values.asterisk.exposure.nodePorts -}}
{{- if or (lt (int .port) (int $range.first)) (gt (int .port) (int $range.last)) -}}
{{- fail (printf "%s: found port %v; asterisk.exposure.type: nodePort allows %v to %v: choose ports there, fewer calls, or another exposure" .value .port $range.first $range.last) -}}
{{- end -}}
{{- end -}}

{{- define "interject.checks.accounts" -}}
{{- $asterisk := .Values.asterisk -}}
{{- $names := list -}}
{{- range $kind := list "phones" "trunks" -}}
{{- range index $asterisk $kind -}}
{{- if has .name $names -}}
{{- fail (printf "asterisk.%s: found the name %s twice; phones and trunks have one each" $kind .name) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- if and .password .existingSecret -}}
{{- fail (printf "asterisk.%s: found password and existingSecret of %s; give one of them" $kind .name) -}}
{{- end -}}
{{- if and (eq (default "none" .encryption) "sdes") (ne (default "" .transport) "tls") -}}
{{- fail (printf "asterisk.%s: found encryption sdes of %s without transport tls, which would show its keys; set both" $kind .name) -}}
{{- end -}}
{{- if and (eq (default "" .transport) "tls") (not $asterisk.sip.tls.enabled) -}}
{{- fail (printf "asterisk.%s: found transport tls of %s; it needs asterisk.sip.tls.enabled" $kind .name) -}}
{{- end -}}
{{- with .existingSecret -}}
{{- include "interject.checks.secret" (dict "root" $ "value" (printf "asterisk.%s" $kind) "name" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $asterisk.phones -}}
{{- if not (or .extension (regexMatch "^[0-9]+$" .name)) -}}
{{- fail (printf "asterisk.phones: found %s without extension; give one, or a name of digits" .name) -}}
{{- end -}}
{{- end -}}
{{- range $asterisk.trunks -}}
{{- if and .register (not .user) -}}
{{- fail (printf "asterisk.trunks: found %s that registers without user; give user and password" .name) -}}
{{- end -}}
{{- if and .user (not .password) (not .existingSecret) -}}
{{- fail (printf "asterisk.trunks: found %s with user and no password; give password or existingSecret" .name) -}}
{{- end -}}
{{- end -}}
{{- with $asterisk.sip.tls -}}
{{- if and .enabled (not .secretName) -}}
{{- fail "asterisk.sip.tls.secretName: found none; TLS needs a Secret of type kubernetes.io/tls" -}}
{{- else if .enabled -}}
{{- include "interject.checks.secret" (dict "root" $ "value" "asterisk.sip.tls.secretName" "name" .secretName) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A Secret that has to be there: root, value, name. */}}
{{- define "interject.checks.secret" -}}
{{- if and (include "interject.online" .root) (not (lookup "v1" "Secret" .root.Release.Namespace .name)) -}}
{{- fail (printf "%s: found no Secret %s in namespace %s; make it first" .value .name .root.Release.Namespace) -}}
{{- end -}}
{{- end -}}

{{- define "interject.checks.numbers" -}}
{{- $asterisk := .Values.asterisk -}}
{{- range $asterisk.phones -}}
{{- if and $.Values.sample.enabled (eq (default .name .extension) $.Values.sample.extension) -}}
{{- fail (printf "sample.extension: found %s, which is the number of phone %s; choose another" $.Values.sample.extension .name) -}}
{{- end -}}
{{- end -}}
{{- if not (or $asterisk.published $asterisk.agents $asterisk.extraValues.agents) -}}
{{- fail "asterisk.published: found false and no asterisk.agents; nobody could be called: list agents, or set it to true" -}}
{{- end -}}
{{- end -}}

{{- define "interject.checks.namespaces" -}}
{{- $watched := .Values.operator.watchNamespaces -}}
{{- $own := .Release.Namespace -}}
{{- if and $watched (not (has $own $watched)) (or .Values.sample.enabled (and .Values.asterisk.enabled .Values.asterisk.published)) -}}
{{- fail (printf "operator.watchNamespaces: found %s without %s, where Asterisk and the sample are; add it, or disable sample and asterisk.published" (join ", " $watched) $own) -}}
{{- end -}}
{{- end -}}
