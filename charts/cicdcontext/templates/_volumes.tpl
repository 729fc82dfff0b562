{{- /* What the operator reads from files: authorities, credentials of proxies, and what a user mounts. */}}
{{- define "cicdcontext.volumeMounts" -}}
{{- $mounts := list }}
{{- if .Values.caBundle.configMap.name }}
{{- $mounts = append $mounts (dict "name" "authorities" "mountPath" "/etc/cicdcontext/authorities" "readOnly" true) }}
{{- end }}
{{- range .Values.proxies }}
{{- if .credentialsSecret }}
{{- $mounts = append $mounts (dict "name" (printf "proxy-%s" .name) "mountPath" (printf "/etc/cicdcontext/proxies/%s" .name) "readOnly" true) }}
{{- end }}
{{- end }}
{{- with concat $mounts .Values.extraVolumeMounts -}}
volumeMounts:
  {{- tpl (toYaml .) $ | nindent 2 }}
{{- end }}
{{- end }}

{{- define "cicdcontext.volumes" -}}
{{- $volumes := list }}
{{- with .Values.caBundle.configMap }}
{{- if .name }}
{{- $volumes = append $volumes (dict "name" "authorities" "configMap" (dict "name" .name "items" (list (dict "key" .key "path" "bundle.pem")))) }}
{{- end }}
{{- end }}
{{- range .Values.proxies }}
{{- if .credentialsSecret }}
{{- $item := dict "key" .credentialsSecret.key "path" .credentialsSecret.key }}
{{- $volumes = append $volumes (dict "name" (printf "proxy-%s" .name) "secret" (dict "secretName" .credentialsSecret.name "items" (list $item))) }}
{{- end }}
{{- end }}
{{- with concat $volumes .Values.extraVolumes -}}
volumes:
  {{- tpl (toYaml .) $ | nindent 2 }}
{{- end }}
{{- end }}
