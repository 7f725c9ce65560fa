package portfolio_test

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
	"github.com/meta-optimization/l2l-mpi/optimizer/portfolio"
)

func TestPortfolioKeepsTheContract(t *testing.T) { optimizertest.Algorithms(t, portfolio.Algorithms()) }

// With the parameters that choose another path through the code.
func TestPortfolioVariantsKeepTheContract(t *testing.T) {
	run := func(name string, make optimizertest.Make) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			optimizertest.Run(t, make)
		})
	}
	run("portfolio/every member", func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
		par := portfolio.Defaults()
		par.Members = []string{"cmaes", "xnes", "snes", "lshade", "jade", "pso", "genetic"}
		return portfolio.New(p, par, seed)
	})
	atOnce := func(members ...string) optimizertest.Make {
		return func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
			p.Parallel = 60
			par := portfolio.Defaults()
			par.Members = members
			return portfolio.NewParallel(p, par, seed)
		}
	}
	run("portfolio/at once", atOnce("cmaes", "lshade"))
	run("portfolio/every member at once", atOnce("snes", "cmaes", "xnes", "lshade", "jade", "pso", "genetic"))
}
