package app

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// TestManualOfTheOptimizersIsUpToDate holds optimizer/README.md to what the algorithms say of themselves. With -update it is written.
func TestManualOfTheOptimizersIsUpToDate(t *testing.T) {
	const file = "../../optimizer/README.md"
	want := manual(Program{}.kinds().Optimizers)
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("%s (%v) is not what the algorithms say of themselves; go test ./l2l/app -run TestManual -update writes it", file, err)
	}
}

// manual is the manual of the algorithms: first which of them when, then each with its parameters.
func manual(algorithms []optimizer.Algorithm) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Optimizers

<!-- Written by go test ./l2l/app -run TestManual -update, from what the algorithms say of themselves. -->

%s
`+"`l2l-mpi describe NAME`"+` tells the same as is told here, also of the optimizers of a program of your own. n is the number of parameters (of a
vector, each element is one), λ the population. One that does not suit what is searched says so before anything is evaluated.

| optimizer | when to choose it |
|---|---|
`, strings.ReplaceAll(whereToBegin, "\n", " "))
	for _, a := range algorithms {
		fmt.Fprintf(&b, "| [%s](#%[1]s) | %s |\n", a.Name, cell(a.When))
	}
	for _, a := range algorithms {
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n\n", a.Name, a.Title)
		fmt.Fprintf(&b, "- Choose it %s.\n- Cost per generation: %s.\n- Parallelism: %s.\n- Reference: %s.\n", a.When, a.Cost, a.Parallelism, a.Reference)
		fmt.Fprintf(&b, "- Version of the search: %d.", a.Version())
		for i, release := range a.Earlier {
			if release == "" {
				fmt.Fprintf(&b, " Runs of version %d, which no release has, go on with the program that began them.", i+1)
				continue
			}
			fmt.Fprintf(&b, " Runs of version %d go on with release %s.", i+1, release)
		}
		b.WriteString("\n\n| parameter | what it may be | default | what it is |\n|---|---|---|---|\n")
		for _, f := range schema.Fields(a.Params()) {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Key, cell(allowed(f)), cell(f.Default()), cell(f.Doc))
		}
	}
	return b.String()
}

// cell is text in a cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
