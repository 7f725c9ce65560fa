package app

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// Everything that is done with an optimizer of the program is done with one of its user's.
func TestProgramKnowsOptimizersOfItsUsers(t *testing.T) {
	t.Chdir(t.TempDir())
	all := catalogue.All()
	random := all[slices.IndexFunc(all, func(a optimizer.Algorithm) bool { return a.Name == "random" })]
	mine := optimizer.Algorithm{Name: "dice", Title: "Dice", Params: random.Params, New: random.New}
	kinds := Program{Optimizees: []optimizee.Type{packedType}, Optimizers: []optimizer.Algorithm{mine}}.kinds()
	const text = "optimizee: {type: packed}\noptimizer: {type: dice, pop_size: 10}\nstop: {generations: 2}\noutput: {dir: out, record: digest}\n" +
		"execution: {slots: 1}\n"
	warm := strings.NewReplacer("dice, pop_size: 10", "genetic, pop_size: 6", "dir: out", "dir: warm").Replace(text) +
		"warm_start: {run: out, best: 3}\n"
	for name, text := range map[string]string{"run.yaml": text, "warm.yaml": warm} {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range []string{
		"describe dice", "check --config run.yaml", "--config run.yaml --quiet", "--config run.yaml --quiet --resume --set stop.generations=3",
		"check --replay out", "export out -o out.csv", "eval --config run.yaml --run out", "--config warm.yaml --quiet",
	} {
		if code := start(strings.Fields(args), kinds); code != exitOK {
			t.Fatalf("%s ends with exit code %d", args, code)
		}
	}
	table, err := os.ReadFile("out.csv")
	if err != nil || strings.Count(string(table), "\n") != 31 {
		t.Errorf("%v: %s, want a line of names and 30 evaluations", err, table)
	}
	twice := Program{Optimizers: []optimizer.Algorithm{random}}.kinds()
	if code := start([]string{"describe"}, twice); code != exitUsage {
		t.Errorf("two optimizers of one name end with exit code %d, want %d", code, exitUsage)
	}
}
