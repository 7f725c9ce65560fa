package figure

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Groups names the group of each run: by its optimizer and, where several groups have the same, by the values of its configuration that differ
// among them.
func Groups(runs []*Data) []string {
	settings := make([]map[string]string, len(runs))
	keys := make([]string, len(runs))
	byOptimizer := map[string][]map[string]string{}
	for i, d := range runs {
		var c map[string]any
		_ = yaml.Unmarshal([]byte(d.Run.Begun.Config), &c)                            // without it nothing tells the runs apart but their optimizers
		for _, key := range []string{"seed", "name", "output", "execution", "stop"} { // none of them says what the search does next
			delete(c, key)
		}
		settings[i] = map[string]string{}
		flatten(settings[i], "", c)
		keys[i] = fmt.Sprint(settings[i]) // maps are printed in the order of their keys
		name := cmp.Or(d.Run.Begun.Algorithm, "optimizer")
		byOptimizer[name] = append(byOptimizer[name], settings[i])
	}
	out := make([]string, len(runs))
	named := map[string]string{} // the group of a name
	for i, d := range runs {
		name := cmp.Or(d.Run.Begun.Algorithm, "optimizer")
		for _, key := range differing(byOptimizer[name]) {
			name += fmt.Sprintf(", %s %s", key[strings.LastIndex(key, ".")+1:], cmp.Or(settings[i][key], "none"))
		}
		for other, ok := named[name]; ok && other != keys[i]; other, ok = named[name] { // more differs than is said
			name += "'"
		}
		named[name] = keys[i]
		out[i] = name
	}
	return out
}

// flatten writes the values of nested maps under their paths.
func flatten(into map[string]string, path string, v any) {
	m, ok := v.(map[string]any)
	if !ok {
		into[path] = fmt.Sprint(v)
		return
	}
	for key, value := range m {
		flatten(into, strings.TrimPrefix(path+"."+key, "."), value)
	}
}

// differing are the first three keys whose values are not the same in all.
func differing(all []map[string]string) (keys []string) {
	seen := map[string]bool{}
	for _, m := range all {
		for key := range m {
			if slices.ContainsFunc(all, func(o map[string]string) bool { return o[key] != m[key] }) {
				seen[key] = true
			}
		}
	}
	keys = slices.Sorted(maps.Keys(seen))
	return keys[:min(len(keys), 3)]
}
