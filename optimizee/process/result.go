package process

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/meta-optimization/l2l-mpi/l2l/child"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// What a program returns is decoded JSON or msgpack, in one of the forms that PROTOCOL.md calls a result.

// outcomeOf reads the result of an evaluation: an object with the key fitness and perhaps outputs and targets, or with a text under the key
// error; or the fitness alone.
func outcomeOf(v any, objectives []optimizee.Objective) (out optimizee.Outcome, err error) {
	object, ok := v.(map[string]any)
	if !ok {
		out.Fitness, err = fitnessOf(v, objectives)
		return out, err
	}
	if text, failed := object["error"].(string); failed { // a number is an objective of that name
		return out, child.Told(text)
	}
	fitness, ok := object["fitness"]
	if !ok {
		fitness = v // by names of objectives
	}
	if out.Fitness, err = fitnessOf(fitness, objectives); err != nil {
		return out, err
	}
	for key, into := range map[string]*[]float64{"outputs": &out.Outputs, "targets": &out.Targets} {
		if list := object[key]; list != nil && ok {
			if *into, err = child.Vector(list); err != nil {
				return out, fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	return out, nil
}

// fitnessOf reads a fitness: a number, a list of numbers in the order of the objectives, or an object by their names.
func fitnessOf(v any, objectives []optimizee.Objective) ([]float64, error) {
	var fitness []float64
	var err error
	if object, ok := v.(map[string]any); ok {
		for _, o := range objectives {
			x, there := object[o.Name]
			if !there {
				return nil, fmt.Errorf("no %q among the keys %s", o.Name, child.Quoted(slices.Sorted(maps.Keys(object))))
			}
			f, err := child.Number(x)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", o.Name, err)
			}
			fitness = append(fitness, f)
		}
		return fitness, nil
	}
	if fitness, err = child.Vector(v); err != nil {
		f, notNumber := child.Number(v)
		if notNumber != nil {
			return nil, fmt.Errorf("fitness: %w", notNumber)
		}
		fitness = []float64{f}
	}
	return fitness, checkLength(fitness, objectives)
}

// checkLength returns an error unless there is a number for each objective.
func checkLength(fitness []float64, objectives []optimizee.Objective) error {
	if len(fitness) == len(objectives) {
		return nil
	}
	names := make([]string, len(objectives))
	for i, o := range objectives {
		names[i] = o.Name
	}
	return fmt.Errorf("fitness: %d %s, want %d: %s", len(fitness), plural(len(fitness), "number"), len(names), strings.Join(names, ", "))
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// at finds a value by a path of keys and indices joined by dots; "" is v itself.
func at(v any, path string) (any, error) {
	if path == "" {
		return v, nil
	}
	keys := strings.Split(path, ".")
	for i, key := range keys {
		in := ""
		if i > 0 {
			in = " in " + strings.Join(keys[:i], ".")
		}
		switch inner := v.(type) {
		case map[string]any:
			next, ok := inner[key]
			if !ok {
				return nil, fmt.Errorf("no key %q%s, only %s", key, in, child.Quoted(slices.Sorted(maps.Keys(inner))))
			}
			v = next
		case []any, []float64:
			k, err := strconv.Atoi(key)
			if err != nil || k < 0 || k >= child.Len(inner) {
				return nil, fmt.Errorf("no element %q%s, a list of %d", key, in, child.Len(inner))
			}
			v = child.Item(inner, k)
		default:
			return nil, fmt.Errorf("no key %q%s, which is %s", key, in, child.Shown(v))
		}
	}
	return v, nil
}
