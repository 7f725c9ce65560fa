// Package named reads algorithms of the catalogue as the command lines of the measurements name them.
package named

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// Parse reads an algorithm as the command line has it: a name of the catalogue, perhaps with parameters: "name{key: value, …}".
func Parse(s string) (optimizer.Algorithm, any, error) {
	name, _, _ := strings.Cut(s, "{")
	a, ok := catalogue.Find(name)
	if !ok {
		return a, nil, fmt.Errorf("algorithm %q, want one of the catalogue", name)
	}
	params := a.Params()
	var settings map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(s[len(name):]), &settings); err != nil {
		return a, nil, fmt.Errorf("algorithm %q: %w", s, err)
	}
	for key, value := range settings {
		fields := schema.Fields(params) // those of embedded structs, too
		at := slices.IndexFunc(fields, func(f schema.Field) bool { return f.Key == key })
		if at < 0 {
			return a, nil, fmt.Errorf("algorithm %q has no parameter %s", name, key)
		}
		if err := value.Decode(fields[at].Value.Addr().Interface()); err != nil {
			return a, nil, fmt.Errorf("algorithm %q: %s: %w", s, key, err)
		}
	}
	return a, params, nil
}
