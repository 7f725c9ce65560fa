package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Kinds are what a configuration may name: "optimizee: {type: <Name>, …}" one of the optimizees, "optimizer: {type: <Name>, …}" one of the
// optimizers. The names of each are distinct.
type Kinds struct {
	Optimizees []optimizee.Type
	Optimizers []optimizer.Algorithm
}

// Check returns an error for each kind without a name, and for each whose name another one has.
func (k Kinds) Check() error {
	check := func(what string, names []string) error {
		var errs []error
		seen := map[string]bool{}
		for _, name := range names {
			switch {
			case name == "":
				errs = append(errs, fmt.Errorf("an %s has no name", what))
			case seen[name]:
				errs = append(errs, fmt.Errorf("two kinds of %s are called %q", what, name))
			}
			seen[name] = true
		}
		return errors.Join(errs...)
	}
	return errors.Join(check("optimizee", namesOf(k.Optimizees, optimizeeName)), check("optimizer", namesOf(k.Optimizers, optimizerName)))
}

func optimizeeName(t optimizee.Type) string      { return t.Name }
func optimizerName(a optimizer.Algorithm) string { return a.Name }

func namesOf[K any](kinds []K, nameOf func(K) string) []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = nameOf(k)
	}
	return names
}

// DidYouMean ends a message about an unknown name: with the nearest one that is known, or with all of them where none is near.
func DidYouMean(name string, known []string) string {
	best, distance := "", 1+(len(name)+1)/2
	for _, k := range known {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf("; did you mean %s?", best)
	}
	return "; known are " + strings.Join(known, ", ")
}
