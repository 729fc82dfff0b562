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
{{- include "cicdcontext.labelsWith" (list .) }}
{{- end }}

{{- /*
The labels of every object, and further ones: (list $ labels ...). A label that is given twice is written once; the first one
wins, and ours win over all, since something may be selected by them.
*/}}
{{- define "cicdcontext.labelsWith" -}}
{{- $root := first . }}
{{- $labels := dict
  "app.kubernetes.io/name" (include "cicdcontext.name" $root)
  "app.kubernetes.io/instance" $root.Release.Name
  "app.kubernetes.io/version" ($root.Chart.AppVersion | replace "+" "_" | trunc 63)
  "app.kubernetes.io/part-of" "cicdcontext"
  "app.kubernetes.io/managed-by" $root.Release.Service
  "helm.sh/chart" (include "cicdcontext.chart" $root) }}
{{- range rest . }}
{{- $labels = merge $labels . }}
{{- end }}
{{- toYaml (merge $labels $root.Values.commonLabels) }}
{{- end }}

{{- define "cicdcontext.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "cicdcontext.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name: name an existing ServiceAccount, since serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- /* An image reference of (list $ image): a dictionary with registry, repository, tag and digest. */}}
{{- define "cicdcontext.imageReference" -}}
{{- $root := first . -}}
{{- $image := last . -}}
{{- with default $root.Values.image.registry $image.registry }}{{ . }}/{{ end }}{{ $image.repository -}}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ default ($root.Chart.AppVersion | replace "+" "_") $image.tag }}{{ end -}}
{{- end }}

{{- define "cicdcontext.image" -}}
{{- include "cicdcontext.imageReference" (list . .Values.image) }}
{{- end }}

{{- /* What a Pod must be under the Pod Security level "restricted". */}}
{{- define "cicdcontext.podSecurityContext" -}}
runAsNonRoot: true
{{- with .Values.runAsUser }}
runAsUser: {{ int64 . }}
runAsGroup: {{ int64 . }}
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "cicdcontext.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}
