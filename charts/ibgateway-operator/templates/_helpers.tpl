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
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 53 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Where the operator lives. */}}
{{- define "ibgateway-operator.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{/*
The fields of an object's metadata. Argument: dict "root" $ "name" its name, and where they differ: "namespace" ("-": it has none),
"labels" (the template that gives them), "annotations" (those of its own, which win).
*/}}
{{- define "ibgateway-operator.metadata" -}}
name: {{ .name }}
{{- if ne (.namespace | default "") "-" }}
namespace: {{ .namespace | default (include "ibgateway-operator.namespace" .root) }}
{{- end }}
labels:
  {{- include (.labels | default "ibgateway-operator.labels") .root | nindent 2 }}
{{- with merge (deepCopy (.annotations | default dict)) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
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

{{/* The pod of `helm test`: neither the operator nor its watchdog. */}}
{{- define "ibgateway-operator.testSelectorLabels" -}}
app.kubernetes.io/name: ibgateway-operator-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "ibgateway-operator.testLabels" -}}
{{- $own := merge (include "ibgateway-operator.testSelectorLabels" . | fromYaml) (dict "app.kubernetes.io/component" "test") (include "ibgateway-operator.ownLabels" . | fromYaml) }}
{{- merge $own .Values.commonLabels | toYaml }}
{{- end }}

{{/* The rules of a NetworkPolicy that let a pod ask for names and reach the API server, whose address can't be known here. */}}
{{- define "ibgateway-operator.apiServerEgress" -}}
- ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
- ports:
    {{- range .Values.networkPolicy.apiServer.ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with .Values.networkPolicy.apiServer.cidrs }}
  to:
    {{- range . }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
  {{- end }}
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

{{/* images.registry stands before a repository that names no registry of its own. Argument: dict "image" (one of .Values.images) "root" $. */}}
{{- define "ibgateway-operator.image" -}}
{{- $repository := .image.repository }}
{{- if and .root.Values.images.registry (not (regexMatch "^([^/]*[.:][^/]*|localhost)/" $repository)) }}
{{- $repository = printf "%s/%s" .root.Values.images.registry $repository }}
{{- end }}
{{- if .image.digest }}
{{- printf "%s@%s" $repository .image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .root.Chart.AppVersion .image.tag) }}
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
{{- $names = default (list (include "ibgateway-operator.namespace" .)) .Values.watchNamespaces }}
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
