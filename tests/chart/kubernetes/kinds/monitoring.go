package main

import monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"

// By the file name that kubeconform asks for: kind, group, version.
var kinds = map[string]any{
	"podmonitor-monitoring-v1":     monitoringv1.PodMonitor{},
	"prometheusrule-monitoring-v1": monitoringv1.PrometheusRule{},
}
