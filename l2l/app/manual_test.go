package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// TestManualOfTheOptimizersIsUpToDate holds optimizer/README.md, the page of each algorithm and its picture to what the algorithms say and do. With
// -update they are written.
func TestManualOfTheOptimizersIsUpToDate(t *testing.T) {
	const dir = "../../optimizer"
	algorithms := Program{}.kinds().Optimizers
	want := map[string]string{"README.md": manual(algorithms)}
	for _, a := range algorithms {
		drawing, caption := picture(t, a)
		if drawing != nil {
			want["pages/"+a.Name+".svg"] = string(drawing)
		}
		want["pages/"+a.Name+".md"] = pageOf(a, caption)
	}
	if *update {
		if err := os.MkdirAll(filepath.Join(dir, "pages"), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range want {
		file := filepath.Join(dir, name)
		if *update {
			if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil || string(got) != text {
			t.Errorf("%s (%v) is not what the algorithms say and do; go test ./l2l/app -run TestManual -update writes it", file, err)
		}
	}
	there, err := filepath.Glob(filepath.Join(dir, "pages", "*"))
	if err != nil || len(there) != len(want)-1 {
		t.Errorf("pages has %d files, want %d: an algorithm is gone, or has another name (%v)", len(there), len(want)-1, err)
	}
}

// manual is the index of the algorithms: which of them when.
func manual(algorithms []optimizer.Algorithm) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Optimizers

<!-- Written by go test ./l2l/app -run TestManual -update, from what the algorithms say of themselves. -->

%s
Each has a page: what it costs, how many evaluations it keeps under way, its parameters, where it comes from, and a picture of what it does. `+
		"`l2l-mpi describe NAME`"+` tells
the same, also of the optimizers of a program of your own. One that does not suit what is searched says so before anything is evaluated.

| optimizer | when to choose it |
|---|---|
`, strings.ReplaceAll(whereToBegin, "\n", " "))
	for _, a := range algorithms {
		fmt.Fprintf(&b, "| [%s](pages/%[1]s.md) | %s |\n", a.Name, cell(a.When))
	}
	return b.String()
}

// pageOf tells of an algorithm with its parameters; caption is that of its picture, "" where it has none.
func pageOf(a optimizer.Algorithm, caption string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n<!-- Written by go test ./l2l/app -run TestManual -update, from what the algorithm says of itself. -->\n\n%s.\n\n", a.Name, a.Title)
	for _, fact := range [][2]string{
		{"Choose it ", a.When}, {"Cost per generation: ", a.Cost}, {"Parallelism: ", a.Parallelism}, {"Noise: ", a.Noise}, {"Reference: ", a.Reference},
	} {
		if fact[1] != "" {
			fmt.Fprintf(&b, "- %s%s.\n", fact[0], fact[1])
		}
	}
	fmt.Fprintf(&b, "- Version of the search: %d.", a.Version())
	for i, release := range a.Earlier {
		if release == "" {
			fmt.Fprintf(&b, " Runs of version %d, which no release has, go on with the program that began them.", i+1)
			continue
		}
		fmt.Fprintf(&b, " Runs of version %d go on with release %s.", i+1, release)
	}
	if caption != "" {
		fmt.Fprintf(&b, "\n\n![what %s evaluates](%[1]s.svg)\n\n%s", a.Name, caption)
	}
	b.WriteString("\n\nn is the number of parameters (of a vector, each element is one), λ the population.\n\n" +
		"| parameter | what it may be | default | what it is |\n|---|---|---|---|\n")
	for _, f := range schema.Fields(a.Params()) {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Key, cell(allowed(f)), cell(f.Default()), cell(f.Doc))
	}
	b.WriteString("\n[All optimizers](../README.md)\n")
	return b.String()
}

// cell is text in a cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
