{{/*
What the API server would refuse with a rule over several fields, said before anything is sent: the rules and the
words are the resource's (crds/). files/names.json and the operator's chart's copy of this file are made by `make crds`.
Argument: dict "root" $ "spec" the spec "where" what stands before a refusal.
*/}}
{{- define "ibgateway.specRefusals" -}}
{{- $known := .root.Files.Get "files/names.json" | fromJson }}
{{- $spec := .spec }}
{{- $where := .where }}
{{- $gateway := $spec.gateway | default dict }}
{{- $accounts := ($spec.executor | default dict).accounts | default list }}
{{- if eq ($spec.tradingMode | default "paper") "live" }}
{{- if not $accounts }}
{{- fail (print $where "live trading needs executor.accounts: name the account ids that may be traded, e.g. spec.executor.accounts: [U1234567]") }}
{{- end }}
{{- range $accounts }}
{{- if hasPrefix "D" . }}
{{- fail (print $where "executor.accounts names a paper account (D...) in live mode: use the live account's id") }}
{{- end }}
{{- end }}
{{- else }}
{{- range $accounts }}
{{- if not (hasPrefix "D" .) }}
{{- fail (print $where "executor.accounts names a live account in paper mode: use the paper account's id (D...)") }}
{{- end }}
{{- end }}
{{- end }}
{{- $image := $gateway.image | default dict }}
{{- if and (not $image.digest) (has $image.tag (list "latest" "stable")) }}
{{- fail (print $where "name a version in image.tag, or pin image.digest: a moving tag restarts into a push") }}
{{- end }}
{{- range $gateway.env }}
{{- if or (hasPrefix "TWS_" .name) (hasPrefix "VNC_SERVER_PASSWORD" .name) (has .name $known.ownedVariables) }}
{{- fail (printf "%sspec.gateway.env: %s: this variable is owned by the operator: use the field of the spec that stands for it" $where .name) }}
{{- end }}
{{- end }}
{{- $executor := $spec.executor | default dict }}
{{- if $executor.image }}
{{- if and (not $executor.image.digest) (has ($executor.image.tag | default "") (list "" "latest" "stable")) }}
{{- fail (print $where "name a version in executor.image.tag, or pin executor.image.digest: what trades is what somebody chose, and no moving tag") }}
{{- end }}
{{- $limits := $executor.limits | default dict }}
{{- $ours := list ($executor.database | default dict).postgresSecretRef $executor.backup $executor.targets $executor.cashReservePercent }}
{{- $ours = concat $ours (list $limits.maxOrderValue $limits.maxOrdersPerDay $limits.allowedSymbols $limits.priceCollarPercent $limits.shortSelling) }}
{{- $chosen := list (ne ($executor.marketClosed | default "wait") "wait") (ne ($executor.resend | default "never") "never") (ne (int (dig "archiveAfterDays" 30 $executor)) 30) }}
{{- if or (compact $ours) (has true $chosen) }}
{{- fail (print $where "database, backup, targets, limits, marketClosed, resend, archiveAfterDays and cashReservePercent are of the executor whose place executor.image takes, and nothing of them would hold: take them out, and have your program do it") }}
{{- end }}
{{- range $executor.env }}
{{- if or (hasPrefix "IBGATEWAY_" .name) (has .name $known.programVariables) }}
{{- fail (printf "%sspec.executor.env: %s: this variable is the operator's: it tells the program where its gateway is, so leave it out" $where .name) }}
{{- end }}
{{- end }}
{{- else }}
{{- range $known.programFields }}
{{- if or (index $executor .) (eq ($executor.whenClosed | default "keep") "stop") }}
{{- fail (print $where "executor.image is missing: command, args, env, envFrom, volumes, volumeMounts, ports, resources, probes, securityContext, imagePullSecrets, terminationGracePeriodSeconds and whenClosed: stop are of a program of your own, so name its image or leave them out") }}
{{- end }}
{{- end }}
{{- end }}
{{- $zone := $gateway.timeZone | default "America/New_York" }}
{{- $named := dict "gateway.timeZone" $zone }}
{{- $_ := set $named "weeklyRestart.timeZone" ($spec.weeklyRestart | default dict).timeZone }}
{{- $login := $spec.login | default dict }}
{{- $_ := set $named "login.quietHours.timeZone" ($login.quietHours | default dict).timeZone }}
{{- range $field, $name := $named }}
{{- if and $name (not (has $name $known.timeZones)) }}
{{- fail (printf "%s%s %s is no name of the time zone database: write it like Europe/Berlin" $where $field $name) }}
{{- end }}
{{- end }}
{{- if and (eq $zone "America/New_York") (regexMatch "^(11:[0-5][0-9] PM|12:[0-5][0-9] AM|0[12]:[0-5][0-9] AM)$" ($gateway.autoRestartTime | default "")) }}
{{- fail (print $where "gateway.autoRestartTime lies in IBKR's nightly reset or Friday's outage (11:00 PM to 03:00 AM New York): choose a time before or after it") }}
{{- end }}
{{- if gt (int ($login.maxAttempts | default 3)) (int ($login.dailyAttempts | default 6)) }}
{{- fail (print $where "login.maxAttempts can't exceed login.dailyAttempts: raise the daily budget or lower it") }}
{{- end }}
{{- end }}
