package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/meta-optimization/l2l-mpi/l2l"
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
func parameterName(p optimizee.Parameter) string { return p.Name }

func namesOf[K any](kinds []K, nameOf func(K) string) []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = nameOf(k)
	}
	return names
}

// Search is the search of a run before its first event, as the run has written it down. The error is that of [Plan.SearchesAs] where this program
// would search otherwise.
func (k Kinds) Search(begun l2l.Begun) (*l2l.Search, error) {
	for _, a := range k.Optimizers {
		if err := searchesAs(a, begun); err != nil {
			return nil, err // before its parameters are read, which may have meant something else
		}
	}
	p, err := Recorded("the run's configuration", []byte(begun.Config), k)
	if err != nil {
		return nil, err
	}
	return p.NewSearch()
}

// SearchesAs returns an error, which names both versions and the release that can, unless this program goes on as the run was begun: in the same
// version of the algorithm's search. What such a run has found can be read all the same.
func (p *Plan) SearchesAs(begun l2l.Begun) error { return searchesAs(p.Optimizer, begun) }

func searchesAs(a optimizer.Algorithm, begun l2l.Begun) error {
	was, is := max(begun.Search, 1), a.Version()
	if begun.Algorithm != a.Name || was == is {
		return nil
	}
	release := "the program that wrote it, version " + begun.Version + ","
	if was <= len(a.Earlier) && a.Earlier[was-1] != "" {
		release = "release " + a.Earlier[was-1]
	}
	return fmt.Errorf("optimizer.type: the run was begun with version %d of the search of %s, and this program has version %d; %s can go on with it; "+
		"to export it, to report on it, and to begin another run with it (warm_start), this one can", was, begun.Algorithm, is, release)
}

// DidYouMean ends a message about an unknown name: with the nearest one that is known, or with all of them where none is near.
func DidYouMean(name string, known []string) string {
	if best := Nearest(name, known); best != "" {
		return fmt.Sprintf("; did you mean %s?", best)
	}
	return "; known are " + strings.Join(known, ", ")
}

// Nearest is the known name that name may be a slip for; "" where none is near.
func Nearest(name string, known []string) string {
	best, distance := "", 1+(len(name)+1)/2
	for _, k := range known {
		if len(name) > 2*len(k)+2 {
			continue // so far from it that one need not measure
		}
		if d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	return best
}
