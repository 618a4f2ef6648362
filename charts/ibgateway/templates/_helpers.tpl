{{/* The IBGateway's name; the rule is the resource's own, said before anything is sent. */}}
{{- define "ibgateway.name" -}}
{{- $name := default .Release.Name .Values.fullnameOverride }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$" $name) }}
{{- fail (printf "%q can't name an IBGateway: start with a letter, use only a-z, 0-9 and '-', at most 40 characters; choose another release name or set fullnameOverride" $name) }}
{{- end }}
{{- $name }}
{{- end }}

{{- define "ibgateway.ownLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* A field of the spec that stands beside it. */}}
{{- define "ibgateway.refusals" -}}
{{- $known := .Files.Get "files/names.json" | fromJson }}
{{- range $key, $_ := .Values }}
{{- if has $key $known.specFields }}
{{- fail (printf "%s belongs under spec: write spec.%s, e.g. --set spec.%s=..." $key $key $key) }}
{{- end }}
{{- end }}
{{- include "ibgateway.specRefusals" (dict "root" . "spec" .Values.spec "where" "") }}
{{- end }}
