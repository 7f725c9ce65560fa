package app

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata/script")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"l2l-mpi": func() { os.Exit(start(os.Args[1:], kindsWith(moody))) },
	})
}

// TestCommandLine runs the scripts of testdata/script, each a user's session.
func TestCommandLine(t *testing.T) {
	python, err := filepath.Abs("../../optimizee/process/python/src")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PYTHONPATH", python)
			return nil
		},
	})
}

// moody is an optimizee with a parameter of every kind, which panics, fails or hangs for some of their values.
var moody = optimizee.Type{
	Name: "moody", Title: "A model that fails", Doc: "Fails in every way that a model can.",
	New: func() optimizee.Optimizee { return &moodyModel{Target: 3} },
}

// kindsWith are the kinds of a program with these optimizees of its own.
func kindsWith(own ...optimizee.Type) config.Kinds { return Program{Optimizees: own}.kinds() }
