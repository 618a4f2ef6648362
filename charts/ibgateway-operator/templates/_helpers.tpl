{{/*
`helm upgrade --reuse-values` takes the old release's values for this chart's defaults: what is new here is missing.
Every template begins with this. files/defaults.json is made from values.yaml by `make crds`.
*/}}
{{- define "ibgateway-operator.defaults" -}}
{{- $known := .Files.Get "files/defaults.json" | fromJson }}
{{- include "ibgateway-operator.fill" (dict "values" .Values "defaults" $known.values "free" $known.free) }}
{{- end }}

{{/* Only what is missing, so that false stays false; below a value that is the user's own to shape nothing. */}}
{{- define "ibgateway-operator.fill" -}}
{{- range $key, $default := .defaults }}
{{- $value := get $.values $key }}
{{- if not (hasKey $.values $key) }}
{{- $_ := set $.values $key $default }}
{{- else if and (kindIs "map" $default) (kindIs "map" $value) (not (has $key $.free)) }}
{{- include "ibgateway-operator.fill" (dict "values" $value "defaults" $default "free" $.free) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "ibgateway-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride }}
{{- else if contains .Chart.Name .Release.Name }}
{{- .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 53 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* app.kubernetes.io/name is fixed: the gateways' NetworkPolicies let pods with it in. */}}
{{- define "ibgateway-operator.selectorLabels" -}}
app.kubernetes.io/name: ibgateway-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "ibgateway-operator.ownLabels" -}}
{{ include "ibgateway-operator.selectorLabels" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: ibgateway
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Another name than the operator's: the gateways' NetworkPolicies let that one in. */}}
{{- define "ibgateway-operator.watchdogSelectorLabels" -}}
app.kubernetes.io/name: ibgateway-watchdog
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "ibgateway-operator.watchdogLabels" -}}
{{- $own := merge (include "ibgateway-operator.watchdogSelectorLabels" . | fromYaml) (dict "app.kubernetes.io/component" "watchdog") (include "ibgateway-operator.ownLabels" . | fromYaml) }}
{{- merge $own .Values.commonLabels | toYaml }}
{{- end }}

{{- define "ibgateway-operator.watchdogName" -}}
{{ include "ibgateway-operator.fullname" . }}-watchdog
{{- end }}

{{/* Our labels win over the user's: the selectors depend on them. */}}
{{- define "ibgateway-operator.labels" -}}
{{- merge (include "ibgateway-operator.ownLabels" . | fromYaml) .Values.commonLabels | toYaml }}
{{- end }}

{{- define "ibgateway-operator.podLabels" -}}
{{- merge (include "ibgateway-operator.labels" . | fromYaml) .Values.podLabels | toYaml }}
{{- end }}

{{- define "ibgateway-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "ibgateway-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.create is false: name an existing ServiceAccount in serviceAccount.name" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* Argument: dict "image" (one of .Values.images) "root" $. */}}
{{- define "ibgateway-operator.image" -}}
{{- if .image.digest }}
{{- printf "%s@%s" .image.repository .image.digest }}
{{- else }}
{{- printf "%s:%s" .image.repository (default .root.Chart.AppVersion .image.tag) }}
{{- end }}
{{- end }}

{{/* The watched namespaces as JSON {"names": [...]}; an empty list means all of them. */}}
{{- define "ibgateway-operator.watched" -}}
{{- $names := list }}
{{- if eq .Values.rbac.scope "cluster" }}
{{- if .Values.watchNamespaces }}
{{- fail "rbac.scope=cluster watches every namespace: leave watchNamespaces empty, or set rbac.scope=namespace" }}
{{- end }}
{{- else }}
{{- $names = default (list .Release.Namespace) .Values.watchNamespaces }}
{{- end }}
{{- dict "names" $names | toJson }}
{{- end }}

{{/* Refuses what the cluster has no definition for. Argument: dict "root" $ "kind" its kind "value" the value that asked. */}}
{{- define "ibgateway-operator.wants" -}}
{{- if not (.root.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" .kind)) }}
{{- fail (printf "%s needs the Prometheus Operator: this cluster does not know the kind %s of monitoring.coreos.com/v1. Install its definitions first, or leave the value false (helm template: add --api-versions monitoring.coreos.com/v1/%s)" .value .kind .kind) }}
{{- end }}
{{- end }}

{{- define "ibgateway-operator.pullSecrets" -}}
{{- $names := list }}
{{- range .Values.imagePullSecrets }}{{ $names = append $names .name }}{{ end }}
{{- join "," $names }}
{{- end }}
