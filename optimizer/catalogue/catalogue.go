// Package catalogue lists the algorithms of the packages beside it: it is what a configuration chooses from by name. Algorithms of other
// modules are described alike (see [optimizer.Describe]), and are not here.
package catalogue

import (
	"slices"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/abc"
	"github.com/meta-optimization/l2l-mpi/optimizer/bayes"
	"github.com/meta-optimization/l2l-mpi/optimizer/cem"
	"github.com/meta-optimization/l2l-mpi/optimizer/cmaes"
	"github.com/meta-optimization/l2l-mpi/optimizer/de"
	"github.com/meta-optimization/l2l-mpi/optimizer/design"
	"github.com/meta-optimization/l2l-mpi/optimizer/enkf"
	"github.com/meta-optimization/l2l-mpi/optimizer/ga"
	"github.com/meta-optimization/l2l-mpi/optimizer/gradient"
	"github.com/meta-optimization/l2l-mpi/optimizer/mapelites"
	"github.com/meta-optimization/l2l-mpi/optimizer/mcmc"
	"github.com/meta-optimization/l2l-mpi/optimizer/moo"
	"github.com/meta-optimization/l2l-mpi/optimizer/nes"
	"github.com/meta-optimization/l2l-mpi/optimizer/portfolio"
	"github.com/meta-optimization/l2l-mpi/optimizer/pso"
)

// All lists the algorithms in the order in which they are best read about. The list is the caller's own.
func All() []optimizer.Algorithm {
	return slices.Concat(
		cmaes.Algorithms(), nes.Algorithms(), ga.Algorithms(), de.Algorithms(), pso.Algorithms(), portfolio.Algorithms(), cem.Algorithms(),
		mcmc.Algorithms(), gradient.Algorithms(), moo.Algorithms(), mapelites.Algorithms(), bayes.Algorithms(), enkf.Algorithms(),
		abc.Algorithms(), design.Algorithms(),
	)
}

// Find returns the algorithm of that name; false if there is none.
func Find(name string) (optimizer.Algorithm, bool) {
	all := All()
	at := slices.IndexFunc(all, func(a optimizer.Algorithm) bool { return a.Name == name })
	if at < 0 {
		return optimizer.Algorithm{}, false
	}
	return all[at], true
}
