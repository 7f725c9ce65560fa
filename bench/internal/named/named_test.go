package named

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer/cmaes"
	"github.com/meta-optimization/l2l-mpi/optimizer/ga"
)

func TestParseSetsParametersOfEmbeddedStructsToo(t *testing.T) {
	_, params, err := Parse("genetic{pop_size: 10, mut_par: 0.3}")
	if err != nil {
		t.Fatal(err)
	}
	if p := params.(*ga.Params); p.PopSize != 10 || p.MutPar != 0.3 || p.TournSize != ga.Defaults().TournSize {
		t.Errorf("%+v, want pop_size 10, mut_par 0.3 and the other defaults", *p)
	}
	if _, params, err = Parse("cmaes"); err != nil || *params.(*cmaes.Params) != cmaes.Defaults() {
		t.Errorf("%+v, %v, want the defaults", params, err)
	}
	for _, wrong := range []string{"differential", "cmaes{no_such: 1}", "cmaes{pop_size: many}", "cmaes{"} {
		if _, _, err := Parse(wrong); err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}
