// Prints JSON schemas of the kinds that the charts render, made of the Go types of one version: `make.sh` runs it with one of `kinds/`.
// Names of definitions are those of the API server's /openapi/v3; a test compares one version with a real API server.
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
)

type schema = map[string]any

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
