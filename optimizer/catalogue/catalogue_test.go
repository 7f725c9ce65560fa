package catalogue_test

import (
	"errors"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// versions are those of searches that have changed.
var versions = map[string]int{"bayes": 2, "cmaes": 2, "cmaes_async": 2, "face": 2, "grid": 2, "portfolio": 2}

func TestCatalogueFindsEveryAlgorithmByAName(t *testing.T) {
	all := catalogue.All()
	seen := map[string]bool{}
	for _, a := range all {
		if seen[a.Name] {
			t.Errorf("%s is there twice", a.Name)
		}
		seen[a.Name] = true
		if found, ok := catalogue.Find(a.Name); !ok || found.Title != a.Title {
			t.Errorf("%s is not found, but %q", a.Name, found.Title)
		}
		if want := max(versions[a.Name], 1); a.Version() != want {
			t.Errorf("%s is at version %d of its search, want %d; if that is so on purpose, say so here", a.Name, a.Version(), want)
		}
	}
	if _, ok := catalogue.Find("nothing"); ok {
		t.Error("an algorithm named nothing is found")
	}
}

func TestCatalogueTakesNoParametersOfAnotherAlgorithm(t *testing.T) {
	for _, a := range catalogue.All() {
		o, err := a.New(optimizer.Box(2, -5, 5), &struct{}{}, 1)
		if err == nil || errors.Is(err, optimizer.ErrUnsuited) || o != nil {
			t.Errorf("%s: %v, %v, want an error", a.Name, o, err)
		}
	}
}
