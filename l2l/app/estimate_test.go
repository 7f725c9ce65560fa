package app

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
)

// On many slots a search is another one than on one. What check tells must be of that.
func TestCheckTellsOfTheSearchThatSoManySlotsGet(t *testing.T) {
	for _, c := range []struct{ optimizer, slots, want string }{
		{"cmaes", "parallel: auto", "none waits for a generation to end"},
		{"cmaes", "parallel: 1", "1014 have nothing to do (99 %), as a generation has 10 evaluations"},
		{"portfolio", "parallel: auto", "35 have nothing to do (3 %), as the search has 989 evaluations under way at most"},
		{"random", "parallel: auto", "a generation takes 8 rounds of up to 1024 evaluations, in which slots are idle for 0 % of the time"},
		{"pso", "parallel: auto", "984 have nothing to do (96 %), as a generation has 40 evaluations"},
		{"crossentropy, pop_size: 100", "parallel: auto", "924 have nothing to do (90 %), as a generation has 100 evaluations"},
		{"crossentropy", "parallel: auto", "a generation takes 1 round of up to 1024 evaluations, in which slots are idle for 0 % of the time"},
	} {
		p, err := config.Parse("run.yaml", []byte("optimizee: {type: function, name: sphere, dim: 10}\noptimizer: {type: "+c.optimizer+
			"}\nstop: {evaluations: 20000}\nexecution: {"+c.slots+"}\n"), kindsWith())
		if err != nil {
			t.Fatal(err)
		}
		var told bytes.Buffer
		if err := tellEstimate(&told, p, 1024, 0, time.Hour); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(told.String(), "1024 slots: "+c.want) {
			t.Errorf("%s with %s: it tells\n%swant %s", c.optimizer, c.slots, &told, c.want)
		}
	}
}
