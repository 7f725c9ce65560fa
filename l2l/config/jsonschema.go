package config

import (
	"bytes"
	"encoding/json"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
)

// JSONSchema is what a configuration may be, as a JSON Schema for editors, with the keys of each kind of optimizee and optimizer where its type is named.
// It is of draft 7, which all editors know. It takes and refuses what [Load] does, but for rules between keys, and what lies in files.
func (k Kinds) JSONSchema() ([]byte, error) {
	root := k.runJSON()
	root["required"] = []string{"optimizee", "optimizer"}
	for _, key := range root["required"].([]string) {
		root["properties"].(map[string]any)[key].(map[string]any)["required"] = []string{"type"}
	}
	return documentJSON("l2l-mpi run", root)
}

// CampaignSchema is what the file of a campaign may be, as JSONSchema is what a configuration may be. It takes and refuses what [LoadCampaign] does, but
// for the same: what a run of it lacks that neither its base nor its variations have among it.
func (k Kinds) CampaignSchema() ([]byte, error) {
	base := k.runJSON()
	set, vary := map[string]any{}, map[string]any{}
	eachPath(base, "", func(path string, s map[string]any) {
		set[path] = s
		if path != "name" && path != "output" && path != "output.dir" {
			vary[path] = map[string]any{"type": "array", "minItems": 1, "items": s, "description": s["description"]}
		}
	})
	section := func(properties map[string]any, besides any) map[string]any { // besides: which keys of a model there are depends on its type
		return map[string]any{
			"type": "object", "properties": properties, "patternProperties": map[string]any{`^(optimizee|optimizer)\.`: besides},
			"additionalProperties": false,
		}
	}
	name := map[string]any{"type": []string{"string", "number", "boolean"}, "pattern": namePattern}
	sections := map[string]any{
		"base": map[string]any{"anyOf": []any{map[string]any{"type": "string"}, base}},
		"runs": map[string]any{"type": "array", "minItems": 1, "items": map[string]any{
			"type": "object", "required": []string{"name"}, "additionalProperties": false,
			"properties": map[string]any{"name": name, "set": section(set, map[string]any{})},
		}},
		"vary": section(vary, map[string]any{"type": "array", "minItems": 1}),
		"seeds": map[string]any{"anyOf": []any{
			map[string]any{"type": "integer", "minimum": 1, "maximum": maxMembers},
			map[string]any{"type": "array", "minItems": 1, "uniqueItems": true, "items": set["seed"]},
		}},
	}
	c := &Campaign{}
	for _, f := range schema.Fields(c) {
		if s, ok := sections[f.Key].(map[string]any); ok {
			s["description"] = f.Doc
		}
	}
	root := schema.JSON(c, sections)
	root["required"] = []string{"base"}
	var differ []any
	for _, key := range []string{"runs", "vary", "seeds"} {
		differ = append(differ, map[string]any{"required": []string{key}})
	}
	root["anyOf"] = differ
	return documentJSON("l2l-mpi campaign", root)
}

// eachPath calls f with each key of a section, as a path of keys joined by dots, and those of the sections in it.
func eachPath(section map[string]any, prefix string, f func(path string, s map[string]any)) {
	properties, _ := section["properties"].(map[string]any)
	for key, v := range properties {
		s := v.(map[string]any)
		f(prefix+key, s)
		eachPath(s, prefix+key+".", f)
	}
	either, _ := section["anyOf"].([]map[string]any) // a word, or a section
	for _, s := range either {
		eachPath(s, prefix, f)
	}
}

// runJSON is the schema of a configuration in which sections, and their types, may be missing.
func (k Kinds) runJSON() map[string]any {
	c := Defaults()
	var models, algorithms []kind
	for _, t := range k.Optimizees {
		models = append(models, kind{t.Name, t.Title, t.New()})
	}
	for _, a := range k.Optimizers {
		algorithms = append(algorithms, kind{a.Name, a.Title, a.Params()})
	}
	return schema.JSON(&c, map[string]any{
		"optimizee": kindJSON("what is evaluated: the model", models), "optimizer": kindJSON("what searches: the algorithm", algorithms),
	})
}

// documentJSON is a schema as a file.
func documentJSON(title string, root map[string]any) ([]byte, error) {
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = title
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	err := enc.Encode(root)
	return out.Bytes(), err
}

// kind is an optimizee or an optimizer, with a pointer to its struct of keys.
type kind struct {
	name, title string
	keys        any
}

// kindJSON is the schema of a section whose type names one of the kinds, which says what other keys there are.
func kindJSON(doc string, kinds []kind) map[string]any {
	names, titles, rules := make([]string, len(kinds)), make([]string, len(kinds)), make([]any, len(kinds))
	for i, k := range kinds {
		names[i], titles[i] = k.name, k.title
		is := map[string]any{"const": k.name}
		rules[i] = map[string]any{
			"if":   map[string]any{"required": []string{"type"}, "properties": map[string]any{"type": is}},
			"then": schema.JSON(k.keys, map[string]any{"type": is}),
		}
	}
	// enumDescriptions is a word of editors; to others it says nothing.
	typ := map[string]any{"enum": names, "enumDescriptions": titles, "description": "which"}
	return map[string]any{
		"type": "object", "description": doc, "properties": map[string]any{"type": typ}, "allOf": rules,
	}
}

// namePattern is what a run may be called: see [Plan]'s check of the name.
const namePattern = `^[^./\\][^/\\]*$`

// SchemaRules implements schema.Ruled: those of [Plan]'s check of the name.
func (c *Config) SchemaRules() map[string]any {
	return map[string]any{"properties": map[string]any{"name": map[string]any{"pattern": namePattern, "maxLength": maxName}}}
}
