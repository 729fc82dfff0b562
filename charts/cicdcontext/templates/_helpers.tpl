{{- define "cicdcontext.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* The name of Deployment, ServiceAccount, Lease and the operator's roles. Pods add a suffix to it, hence 52. */}}
{{- define "cicdcontext.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "cicdcontext.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "cicdcontext.selectorLabels" -}}
app.kubernetes.io/name: {{ include "cicdcontext.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "cicdcontext.labels" -}}
app.kubernetes.io/name: {{ include "cicdcontext.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: cicdcontext
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ include "cicdcontext.chart" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "cicdcontext.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "cicdcontext.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name: name an existing ServiceAccount, since serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- /* An image reference of a dictionary with registry, repository, tag and digest, and of the default tag. */}}
{{- define "cicdcontext.imageReference" -}}
{{- $image := .image -}}
{{- $name := ternary (printf "%s/%s" $image.registry $image.repository) $image.repository (ne $image.registry "") -}}
{{- if $image.digest -}}
{{ $name }}@{{ $image.digest }}
{{- else -}}
{{ $name }}:{{ default .tag $image.tag }}
{{- end -}}
{{- end }}

{{- define "cicdcontext.image" -}}
{{- include "cicdcontext.imageReference" (dict "image" .Values.image "tag" .Chart.AppVersion) }}
{{- end }}

{{- /* What a Pod must be under the Pod Security level "restricted". */}}
{{- define "cicdcontext.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "cicdcontext.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}
