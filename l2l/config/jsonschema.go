package config

import (
	"bytes"
	"encoding/json"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
)

// JSONSchema is what a configuration may be, as a JSON Schema for editors, with the keys of each kind of optimizee and optimizer where its type is named.
// It is of draft 7, which all editors know. It takes and refuses what [Load] does, but for rules between keys, and what lies in files.
func (k Kinds) JSONSchema() ([]byte, error) {
	c := Defaults()
	var models, algorithms []kind
	for _, t := range k.Optimizees {
		models = append(models, kind{t.Name, t.Title, t.New()})
	}
	for _, a := range k.Optimizers {
		algorithms = append(algorithms, kind{a.Name, a.Title, a.Params()})
	}
	root := schema.JSON(&c, map[string]any{
		"optimizee": kindJSON("what is evaluated: the model", models), "optimizer": kindJSON("what searches: the algorithm", algorithms),
	})
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = "l2l-mpi run"
	root["required"] = []string{"optimizee", "optimizer"}
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
		"type": "object", "description": doc, "required": []string{"type"}, "properties": map[string]any{"type": typ}, "allOf": rules,
	}
}

// SchemaRules implements schema.Ruled: those of [Plan]'s check of the name.
func (c *Config) SchemaRules() map[string]any {
	return map[string]any{"properties": map[string]any{"name": map[string]any{"pattern": `^[^./\\][^/\\]*$`, "maxLength": maxName}}}
}
