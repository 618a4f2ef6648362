package main

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// By the file name that kubeconform asks for: kind, group, version.
var kinds = map[string]any{
	"deployment-apps-v1":                        appsv1.Deployment{},
	"configmap-v1":                              corev1.ConfigMap{},
	"pod-v1":                                    corev1.Pod{},
	"serviceaccount-v1":                         corev1.ServiceAccount{},
	"networkpolicy-networking-v1":               networkingv1.NetworkPolicy{},
	"poddisruptionbudget-policy-v1":             policyv1.PodDisruptionBudget{},
	"role-rbac-v1":                              rbacv1.Role{},
	"rolebinding-rbac-v1":                       rbacv1.RoleBinding{},
	"clusterrole-rbac-v1":                       rbacv1.ClusterRole{},
	"clusterrolebinding-rbac-v1":                rbacv1.ClusterRoleBinding{},
	"customresourcedefinition-apiextensions-v1": apiextensionsv1.CustomResourceDefinition{},
}
