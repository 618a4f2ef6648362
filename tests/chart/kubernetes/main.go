// Prints JSON schemas of the kinds that the charts render, made of the Go types of one Kubernetes version: `make.sh` runs it for each.
// Names of definitions are those of the API server's /openapi/v3; a test compares one version with a real API server.
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

type schema = map[string]any

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

// Types that write themselves as something else than their fields.
var special = map[string]schema{
	"Time":                         {"type": []string{"string", "null"}},
	"MicroTime":                    {"type": []string{"string", "null"}},
	"Quantity":                     {"type": []string{"string", "number"}},
	"IntOrString":                  {"type": []string{"string", "integer"}},
	"FieldsV1":                     {},
	"JSON":                         {},
	"JSONSchemaPropsOrArray":       {},
	"JSONSchemaPropsOrBool":        {},
	"JSONSchemaPropsOrStringArray": {},
}

var definitions = map[string]schema{}

func name(t reflect.Type) string {
	path := strings.Split(t.PkgPath(), "/")
	host := strings.Split(path[0], ".")
	for i, j := 0, len(host)-1; i < j; i, j = i+1, j-1 {
		host[i], host[j] = host[j], host[i]
	}
	return strings.Join(append(append(host, path[1:]...), t.Name()), ".")
}

func of(t reflect.Type) schema {
	if found, ok := special[t.Name()]; ok && t.Kind() == reflect.Struct {
		return found
	}
	switch t.Kind() {
	case reflect.Pointer:
		return of(t.Elem())
	case reflect.Struct:
		define(t)
		return schema{"$ref": "#/definitions/" + name(t)}
	case reflect.Map:
		return schema{"type": "object", "additionalProperties": of(t.Elem())}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return schema{"type": "string"}
		}
		return schema{"type": "array", "items": of(t.Elem())}
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.String:
		return schema{"type": "string"}
	case reflect.Float32, reflect.Float64:
		return schema{"type": "number"}
	}
	return schema{"type": "integer"}
}

func define(t reflect.Type) {
	if _, ok := definitions[name(t)]; ok {
		return
	}
	properties, required := schema{}, []string{}
	definitions[name(t)] = schema{"type": "object", "additionalProperties": false, "properties": properties}
	fields(t, properties, &required)
	if len(required) > 0 {
		definitions[name(t)]["required"] = required
	}
}

func fields(t reflect.Type, properties schema, required *[]string) {
	for i := 0; i < t.NumField(); i++ {
		field := t.Field(i)
		words := strings.Split(field.Tag.Get("json"), ",")
		if words[0] == "-" || (words[0] == "" && !field.Anonymous) {
			continue
		}
		if words[0] == "" {
			fields(field.Type, properties, required)
			continue
		}
		properties[words[0]] = of(field.Type)
		if len(words) == 1 {
			*required = append(*required, words[0])
		}
	}
}

func main() {
	refs := schema{}
	for file, kind := range kinds {
		refs[file] = of(reflect.TypeOf(kind))["$ref"]
	}
	text, err := json.Marshal(schema{"kinds": refs, "definitions": definitions})
	if err != nil {
		panic(err)
	}
	os.Stdout.Write(append(text, '\n'))
}
