{{/* Ports of one pod, as JSON {sip, tls, first, last}. Arguments: root, ordinal. Ports are the same inside
and outside the cluster. NodePorts are cluster-wide, so with nodePort each pod has different ports. */}}
{{- define "interject.asterisk.ports" -}}
{{- $values := .root.Values.asterisk -}}
{{- $shared := eq $values.exposure.type "nodePort" -}}
{{- $ordinal := ternary (int .ordinal) 0 $shared -}}
{{- $sip := int (default (ternary 30060 5060 $shared) $values.sip.port) -}}
{{- $tls := int (default (add $sip 1) $values.sip.tls.port) -}}
{{- $first := int (default (ternary 30100 10000 $shared) $values.rtp.firstPort) -}}
{{- $size := mul 2 (int $values.calls) -}}
{{- if $values.rtp.lastPort -}}
{{- $size = add1 (sub (int $values.rtp.lastPort) $first) -}}
{{- end -}}
{{- $first = add $first (mul $ordinal $size) -}}
{{- $step := mul 2 $ordinal -}}
{{- dict "sip" (add $sip $step) "tls" (add $tls $step) "first" $first "last" (sub (add $first $size) 1) | toJson -}}
{{- end -}}

{{/* SIP ports of one pod, as JSON {list: [{name, protocol, port}]}. Arguments: root, ordinal. */}}
{{- define "interject.asterisk.sip" -}}
{{- $sip := .root.Values.asterisk.sip -}}
{{- $ports := include "interject.asterisk.ports" . | fromJson -}}
{{- $list := list -}}
{{- if $sip.udp -}}
{{- $list = append $list (dict "name" "sip-udp" "protocol" "UDP" "port" $ports.sip) -}}
{{- end -}}
{{- if $sip.tcp -}}
{{- $list = append $list (dict "name" "sip-tcp" "protocol" "TCP" "port" $ports.sip) -}}
{{- end -}}
{{- if $sip.tls.enabled -}}
{{- $list = append $list (dict "name" "sip-tls" "protocol" "TCP" "port" $ports.tls) -}}
{{- end -}}
{{- dict "list" $list | toJson -}}
{{- end -}}

{{/* External address of one pod, empty if unknown. Arguments: root, ordinal. */}}
{{- define "interject.asterisk.external" -}}
{{- $values := .root.Values.asterisk -}}
{{- if kindIs "slice" $values.externalAddress -}}
{{- if lt (int .ordinal) (len $values.externalAddress) -}}
{{- index $values.externalAddress (int .ordinal) -}}
{{- end -}}
{{- else if $values.externalAddress -}}
{{- $values.externalAddress -}}
{{- else if eq $values.exposure.type "loadBalancer" -}}
{{- $name := printf "%s-%d" (include "interject.asterisk" .root) (int .ordinal) -}}
{{- $service := lookup "v1" "Service" .root.Release.Namespace $name -}}
{{- range dig "status" "loadBalancer" "ingress" list $service | default list | first | list -}}
{{- with . -}}
{{- default .hostname .ip -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
