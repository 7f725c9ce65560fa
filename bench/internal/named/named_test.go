package named

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
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

// TestParseTakesEveryAlgorithmThatAMeasurementNames holds what stands in comments and results to the catalogue of today: who copies a command runs it.
func TestParseTakesEveryAlgorithmThatAMeasurementNames(t *testing.T) {
	var names []string
	withSettings := regexp.MustCompile(`\b[a-z_]+\{[a-z_]+: [^{}]*\}`)
	for _, pattern := range []string{"../../*/main.go", "../../results/*.txt"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no file, %v", pattern, err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(b)) {
				if filepath.Ext(file) == ".txt" || strings.HasPrefix(line, "//") {
					names = append(names, withSettings.FindAllString(line, -1)...)
				}
			}
		}
	}
	if len(names) < 10 {
		t.Errorf("%d algorithms with settings are named: %q, want those of the comments and the results", len(names), names)
	}
	usage, err := os.ReadFile("../../quality/main.go")
	if err != nil {
		t.Fatal(err)
	}
	before := len(names)
	for _, line := range regexp.MustCompile(`go run \./bench/quality (.*)`).FindAllStringSubmatch(string(usage), -1) {
		words := regexp.MustCompile(`'[^']*'|\S+`).FindAllString(line[1], -1)
		for i := 0; i < len(words); i++ {
			if strings.HasPrefix(words[i], "-") {
				i++ // its value
			} else if words[i] != "pycma" {
				names = append(names, strings.Trim(words[i], "'"))
			}
		}
	}
	if len(names) == before {
		t.Error("the usage of bench/quality names no algorithm")
	}
	for _, name := range names {
		if _, _, err := Parse(name); err != nil {
			t.Error(err)
		}
	}
}
