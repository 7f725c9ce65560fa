// Package app is the program: the command line, signals, exit codes and the terminal, over the packages config, run and report. It is the only
// package that knows all others.
//
// A program with optimizees of its own is as short as l2l-mpi itself:
//
//	func main() { app.Main(optimizee.Type{Name: "pendulum", New: func() optimizee.Optimizee { return &Pendulum{} }}) }
//
// and one with optimizers of its own is a [Program] that names them.
package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizee/digits"
	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizee/neuron"
	"github.com/meta-optimization/l2l-mpi/optimizee/process"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
	program "github.com/meta-optimization/l2l-mpi/optimizer/process"
)

// The exit codes.
const (
	exitOK          = 0
	exitFailed      = 1  // the run could not go on, or too much failed
	exitUsage       = 2  // what was asked for cannot be: command line, configuration
	exitRunning     = 3  // of status alone: the run goes on
	exitStopped     = 4  // by an order of ctl; whoever gave it resumes the run, and job scripts do not
	exitInterrupted = 75 // stopped by a signal or at its wall time; --resume goes on (EX_TEMPFAIL, on which job scripts requeue)
)

// Program is a program: what it has besides the optimizees and the optimizers that every program has.
type Program struct {
	Optimizees []optimizee.Type
	Optimizers []optimizer.Algorithm
}

// Main is a program's main function. It ends the process.
func (p Program) Main() {
	runtime.LockOSThread() // MPI is to be started and ended on one thread, and the main one is the safest
	os.Exit(start(os.Args[1:], p.kinds()))
}

// Main is the main function of a program with optimizees of its own.
func Main(own ...optimizee.Type) { Program{Optimizees: own}.Main() }

// kinds are all that a configuration of the program may name.
func (p Program) kinds() config.Kinds {
	return config.Kinds{
		Optimizees: append([]optimizee.Type{neuron.Type, digits.Type, process.Type, functions.Type}, p.Optimizees...),
		Optimizers: slices.Concat(catalogue.All(), []optimizer.Algorithm{program.Algorithm}, p.Optimizers),
	}
}

// failure is an error with the exit code that it means.
type failure struct {
	code int
	error
}

func (f failure) Unwrap() error { return f.error }

// usage marks an error as the user's to mend.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return failure{exitUsage, err}
}

// coded is an error of package run with the exit code that it means.
func coded(err error) error {
	var aborted mpi.AbortError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &aborted):
		return failure{aborted.Code, err}
	case errors.Is(err, run.ErrUsage):
		return failure{exitUsage, err}
	}
	return failure{exitFailed, err}
}

// codeOf is the exit code that an error means.
func codeOf(err error) int {
	var f failure
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &f):
		return f.code
	}
	return exitUsage // cobra's own errors are about the command line
}

// session is one call of the program.
type session struct {
	kinds config.Kinds
	abort func(code int) // ends all ranks at once
	said  bool           // what was to be said
}

// say tells people what has gone wrong, once.
func (s *session) say(err error) {
	if err != nil && !s.said && !errors.Is(err, run.ErrElsewhere) && !errors.Is(err, errSaid) {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		s.said = true
	}
}

// errSaid is what an error is, by errors.Is, that stands for an exit code alone: all has been said.
var errSaid = errors.New("all has been said")

// name is the program's, as people read it.
const name = "l2l-mpi"

// start carries out a command line and returns the exit code.
func start(args []string, kinds config.Kinds) (code int) {
	s := &session{kinds: kinds, abort: os.Exit}
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(os.Stderr, "panic: %v\n%s", p, debug.Stack())
			code = exitFailed
			if n, _ := mpi.Launched(); n > 1 {
				s.abort(code) // the other ranks would wait for this one for ever
			}
		}
	}()
	root := s.command()
	root.SetArgs(args)
	err := usage(kinds.Check())
	if err == nil {
		err = root.ExecuteContext(context.Background())
	}
	s.say(err)
	return codeOf(err)
}

// command is the command line.
func (s *session) command() *cobra.Command {
	var o runOptions
	root := &cobra.Command{
		Use:   name + " --config run.yaml",
		Short: "Learning to learn: optimise any simulation, on one core or a supercomputer",
		Long: "Two-loop optimisation: an optimizer proposes individuals, an optimizee evaluates them on all ranks.\n" +
			"The same program is every rank: mpirun -n 4 l2l-mpi --config run.yaml",
		Example: "  l2l-mpi --config run.yaml\n" +
			"  l2l-mpi --config run.yaml --set optimizer.pop_size=64 --set stop.generations=100\n" +
			"  mpirun -n 4 l2l-mpi --config run.yaml --resume\n" +
			"  l2l-mpi describe cmaes",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       run.Version(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.config == "" {
				return usage(errors.New("want --config run.yaml, which l2l-mpi init writes; see --help"))
			}
			return s.run(cmd.Context(), o)
		},
	}
	root.Args = func(_ *cobra.Command, args []string) error { return unknownCommand(root, args) }
	root.CompletionOptions.HiddenDefaultCmd = true
	flags := root.Flags()
	addConfigFlags(root, &o.config, &o.set)
	flags.BoolVar(&o.resume, "resume", false, "go on with the run in its directory, or start it where there is none")
	addShowFlags(root, &o)
	for _, group := range []struct {
		title    string
		commands []*cobra.Command
	}{
		{"Before a run:", []*cobra.Command{initCommand(s.kinds), checkCommand(s.kinds), describeCommand(s.kinds), evalCommand(s.kinds)}},
		{"Runs:", []*cobra.Command{s.campaignCommand(), s.rerunCommand(), listCommand(), statusCommand(), watchCommand(), ctlCommand()}},
		{"What they have found:", []*cobra.Command{bestCommand(s.kinds), testCommand(s.kinds), reportCommand(s.kinds), plotCommand(s.kinds), exportCommand(s.kinds)}},
	} {
		root.AddGroup(&cobra.Group{ID: group.title, Title: group.title})
		for _, c := range group.commands {
			c.GroupID = group.title
			root.AddCommand(c)
		}
	}
	root.SetHelpCommand(helpCommand(root))
	root.SetHelpCommandGroupID(root.Groups()[0].ID)
	s.complete(root)
	return root
}

// operands has a command take at least so many operands and at most so many, -1 being any number.
func operands(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= least && (most < 0 || len(args) <= most) {
			return nil
		}
		return fmt.Errorf("want %s %s; see %[1]s %[3]s --help", name, cmd.Use, cmd.Name())
	}
}

// helpCommand is help, for which a command that is not there is an error, as it is without it.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		Long:  "Tells of a command what its --help does, and of the program where none is named.",
		RunE: func(_ *cobra.Command, args []string) error {
			of, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(of, rest)
			}
			of.InitDefaultHelpFlag()
			return of.Help()
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, typed string) (names []string, _ cobra.ShellCompDirective) {
			of, _, err := root.Find(args)
			if err != nil {
				of = root
			}
			for _, c := range of.Commands() {
				if c.IsAvailableCommand() && strings.HasPrefix(c.Name(), typed) {
					names = append(names, c.Name()+"\t"+c.Short)
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// unknownCommand is what is said to whoever names a command that is not there.
func unknownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if ext := filepath.Ext(args[0]); ext == ".yaml" || ext == ".yml" {
		return fmt.Errorf("want --config %s", args[0])
	}
	var known []string
	for _, c := range root.Commands() {
		known = append(known, c.Name())
	}
	return fmt.Errorf("there is no command %s%s", args[0], config.DidYouMean(args[0], known))
}

func addConfigFlags(cmd *cobra.Command, config *string, set *[]string) {
	cmd.Flags().StringVarP(config, "config", "c", "", "configuration, a YAML file")
	cmd.Flags().StringArrayVar(set, "set", nil, "change a value of the configuration: `key.path=value`; may be repeated")
}
