package app

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/meta-optimization/l2l-mpi/"

// arrows are the imports within the module that each package may have, besides those below itself; "…" ends a prefix. A package that is not
// here has its parent's arrows.
var arrows = map[string][]string{
	"l2l/codec":     nil,
	"l2l/schema":    nil,
	"l2l/batch":     nil,
	"l2l/child":     {"l2l/codec", "l2l/schema"},
	"l2l/quadratic": nil,
	"l2l/splitmix":  nil,
	"l2l/table":     nil,
	"mpi":           nil,
	"optimizee":     {"l2l/child", "l2l/schema", "l2l/codec"},

	"optimizer":               {"l2l/codec"},
	"optimizer/optimizertest": {"optimizer"},
	"optimizer/internal":      {"optimizer"},
	"optimizer/kit":           {"optimizer", "l2l/schema", "l2l/codec"},
	"optimizer/kit/normal":    nil,
	"optimizer/kit/linalg":    nil,
	"optimizer/abc":           family(),
	"optimizer/bayes":         family(),
	"optimizer/cem":           family(),
	"optimizer/cmaes":         family(),
	"optimizer/de":            family(),
	"optimizer/design":        family("l2l/splitmix"),
	"optimizer/enkf":          family(),
	"optimizer/ga":            family(),
	"optimizer/gradient":      family(),
	"optimizer/mapelites":     family(),
	"optimizer/mcmc":          family(),
	"optimizer/moo":           family(),
	"optimizer/nes":           family(),
	"optimizer/portfolio":     family("optimizer/cmaes", "optimizer/de", "optimizer/ga", "optimizer/nes", "optimizer/pso"), // its members
	"optimizer/process":       {"optimizer", "optimizer/kit", "l2l/child", "l2l/schema", "l2l/codec"},                      // speaks to a program
	"optimizer/pso":           family(),
	"optimizer/catalogue":     {"optimizer", "optimizer/…"},

	"l2l":          {"l2l/codec", "l2l/quadratic", "l2l/splitmix", "l2l/table", "optimizer", "optimizee"},
	"l2l/journal":  {"l2l", "l2l/codec", "optimizee"},
	"l2l/dispatch": {"l2l", "l2l/codec", "l2l/table", "mpi", "optimizee"},
	"l2l/report":   {"l2l", "l2l/codec", "l2l/journal", "optimizee", "optimizer"},
	"l2l/config":   {"l2l", "l2l/schema", "optimizee", "optimizer"},
	"l2l/run":      {"l2l", "l2l/batch", "l2l/codec", "l2l/config", "l2l/dispatch", "l2l/journal", "l2l/report", "l2l/table", "mpi", "optimizee", "optimizer"},
	"l2l/campaign": {"l2l", "l2l/config", "l2l/report", "l2l/run", "mpi"},
	"l2l/app":      {"…"},
	"cmd":          {"l2l/app"},
	"examples":     {"l2l/app", "optimizee", "optimizer", "optimizer/kit"},
	"bench":        {"…"},
}

// family is the arrows of a family of algorithms: other families are none of its business, unless it is built on them.
func family(besides ...string) []string {
	return append(besides, "optimizer", "optimizer/kit", "optimizer/kit/…", "l2l/codec")
}

// secluded are the packages that do not import the packages below them.
var secluded = []string{"l2l", "optimizer"}

// TestImportsPointDownOnly keeps the structure that the README shows.
func TestImportsPointDownOnly(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		pkg := strings.TrimPrefix(words[0], module)
		from := pkg
		for from != "." && !known(from) {
			from = path.Dir(from)
		}
		if from == "." {
			t.Errorf("%s has no place in the structure", pkg)
			continue
		}
		seen++
		for _, imported := range words[1:] {
			to, inside := strings.CutPrefix(imported, module)
			if !inside || strings.HasPrefix(to, from+"/") && !slices.Contains(secluded, from) || to == from {
				continue
			}
			allowed := arrows[from]
			if !slices.ContainsFunc(allowed, func(a string) bool {
				prefix, open := strings.CutSuffix(a, "…")
				return a == to || open && strings.HasPrefix(to, prefix)
			}) {
				t.Errorf("%s imports %s; %s may import %v", pkg, to, from, allowed)
			}
		}
	}
	if seen < 10 {
		t.Errorf("%d packages were looked at", seen)
	}
}

func known(pkg string) bool {
	_, ok := arrows[pkg]
	return ok
}

// TestAlgorithmsAndModelsStartNoGoroutines keeps the packages sequential that make race leaves out: there is nothing in them to race. Package
// optimizer/process is not among them: it talks to a program.
func TestAlgorithmsAndModelsStartNoGoroutines(t *testing.T) {
	files := 0
	for _, pattern := range []string{
		"optimizer/*.go", "optimizer/*/*.go", "optimizer/*/*/*.go", "optimizee/functions/*.go", "optimizee/neuron/*.go",
		"l2l/codec/*.go", "l2l/schema/*.go", "l2l/splitmix/*.go", "l2l/report/crate/*.go", "l2l/report/figure/*.go", "l2l/report/page/*.go",
		"l2l/report/plot/*.go", "l2l/report/statistics/*.go",
	} {
		names, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.Contains(name, "optimizer/process/") {
				continue // a search in another program; make race looks there
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			files++
			for _, spec := range file.Imports {
				if spec.Path.Value == `"sync"` {
					t.Errorf("%s imports sync", name)
				}
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if _, ok := n.(*ast.GoStmt); ok {
					t.Errorf("%s starts a goroutine", name)
				}
				return true
			})
		}
	}
	if files < 100 {
		t.Errorf("%d files were looked at", files)
	}
}
