// Package optimizee is the inner loop's contract: what is optimised. An [Optimizee] names its parameters ([Space]) and its
// objectives, and turns one individual into fitness. It may be a Go type, as in the packages below this one, or any program
// (package process).
//
// The package knows no optimizer, no MPI and no run: an optimizee can be used and tested alone.
package optimizee

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// Optimizee is a model whose parameters are to be found. There is one per slot, and its methods are called from one goroutine
// at a time.
type Optimizee interface {
	// Space describes the parameters. It is constant and the same for every instance of the optimizee in a run.
	Space() Space
	// Objectives describes the numbers that Evaluate returns. It is constant; its length is the length of Outcome.Fitness.
	Objectives() []Objective
	// Evaluate runs the model. The outcome may depend on e alone: all randomness comes from e.Seed. An error, a panic, or a fitness that
	// is not finite makes the evaluation a failed one, which the run survives. When ctx ends the evaluation is no longer wanted, and
	// Evaluate should return ctx's error soon.
	Evaluate(ctx context.Context, e Evaluation) (Outcome, error)
}

// Evaluation is one individual on one task.
type Evaluation struct {
	Params          // the individual's parameters
	Instance int    // which task of the optimizee's family of tasks, from 0
	Seed     uint64 // the only randomness allowed: a hash of the run's seed, individual, instance and replicate

	// Dir is the absolute path of a private directory, for an optimizee that is a Scratch; "" for others, and where a run offers none.
	Dir string

	// Team is the ranks that share the evaluation, for an optimizee that is Shared; nil for others. Whoever calls Evaluate of one by hand gives it Alone().
	Team Team
}

// Outcome is what an evaluation returns.
type Outcome struct {
	Fitness []float64 // one number per objective, in the order of Objectives
	Outputs []float64 // model outputs, for optimizers that learn from them (ensemble Kalman filter); nil where there are none
	Targets []float64 // what Outputs should have been, len(Outputs); nil where there are none
}

// Direction says which fitness is better. There is no default: an objective without one is refused.
type Direction int

// The directions.
const (
	Minimise Direction = iota + 1
	Maximise
)

func (d Direction) String() string {
	switch d {
	case Minimise:
		return "minimise"
	case Maximise:
		return "maximise"
	}
	return fmt.Sprintf("Direction(%d)", int(d))
}

// Objective is one number of the fitness.
type Objective struct {
	Name      string
	Direction Direction
	Weight    float64 // its share where several objectives are added up for a single-objective optimizer; 0 means 1
	Unit      string  // "" where it has none
}

// CheckObjectives returns an error if the objectives cannot be optimised: none at all, one without name or direction, a name
// twice, a weight that is negative or not finite.
func CheckObjectives(objectives []Objective) error {
	if len(objectives) == 0 {
		return fmt.Errorf("optimizee: no objectives, want at least one")
	}
	seen := map[string]bool{}
	for i, o := range objectives {
		switch {
		case o.Name == "":
			return fmt.Errorf("optimizee: objective %d has no name", i)
		case seen[o.Name]:
			return fmt.Errorf("optimizee: objective %q is there twice", o.Name)
		case o.Direction != Minimise && o.Direction != Maximise:
			return fmt.Errorf("optimizee: objective %q has no direction, want minimise or maximise", o.Name)
		case !(o.Weight >= 0) || math.IsInf(o.Weight, 1):
			return fmt.Errorf("optimizee: objective %q: weight = %v, want a finite number >= 0", o.Name, o.Weight)
		}
		seen[o.Name] = true
	}
	return nil
}

// The optional capabilities of an optimizee, each detected by its interface.
type (
	// Opener is prepared once, before the first call of any other method, and told so when it is no longer needed. An error of Open
	// ends the run before it starts.
	Opener interface {
		Open() error
		Close() error
	}

	// Located is told the directory, an absolute path, that relative paths of its configuration start from: that of the configuration. It
	// is told before Open, and not at all where the configuration is no file; then its paths are absolute already.
	Located interface {
		Locate(dir string)
	}

	// Placed is told where its slot is, once, before it is prepared.
	Placed interface {
		Place(p Place)
	}

	// Preparer gets ready for evaluations, outside their time limit: a program that takes long to start is started here, and again
	// after it has died. Prepare is called before each evaluation, and for the first one before the run begins: there its error ends the
	// run, later the evaluation has failed. It should return ctx's error soon after ctx has ended.
	Preparer interface {
		Prepare(ctx context.Context) error
	}

	// Interruptible says whether an evaluation that nobody waits for any more may as well be ended: not so for a program that takes long to
	// start again. An optimizee that does not say so is interruptible unless it is a Preparer.
	Interruptible interface {
		Interruptible() bool
	}

	// Once says whether an evaluation must not run in two slots at a time, because it does something else beside returning its outcome: it writes
	// to a file of a fixed name, say. Otherwise one that takes suspiciously long may be copied to a slot that has nothing to do.
	Once interface {
		Once() bool
	}

	// Wide says how many CPUs an evaluation keeps busy, at least 1; a rank has accordingly fewer slots.
	Wide interface {
		CPUs() int
	}

	// Shared can have each evaluation shared by several ranks (execution.ranks_per_evaluation), which is a [Team]; it is given one with every evaluation,
	// where there is but one rank as well. Share returns an error unless so many ranks, at least 2, can share one. Each rank has an optimizee of its
	// own, and all of them the same Evaluation.Dir, if they are on one file system.
	Shared interface {
		Share(ranks int) error
	}

	// Modeller says that its outcomes have Outputs and Targets, and how many; the same number in every evaluation, and 0 for none.
	Modeller interface {
		NumOutputs() int
	}

	// Stochastic says whether the same parameters and instance may have another outcome with another seed. The best individual is then the
	// luckiest, and a run evaluates it and others anew before it names its answer.
	Stochastic interface {
		Stochastic() bool
	}

	// Batch evaluates several individuals in one call, as models on a GPU do: up to the configured batch size, fewer at the end of a
	// generation. Evaluations of one call may differ in everything. It returns an outcome and an error for each, in their order; those of
	// a call that panics or outlives its context have all failed.
	Batch interface {
		EvaluateBatch(ctx context.Context, es []Evaluation) ([]Outcome, []error)
	}

	// Scratch says whether the directory Evaluation.Dir is to be there: made before the evaluation, and removed after one that succeeds.
	// If not, the optimizee may make it, to leave something behind. After an evaluation that fails it is kept in either case.
	Scratch interface {
		NeedsDir() bool
	}

	// Printer is told where else than into the reasons of failures that goes which its programs print, as they print it: to a log, or to somebody who
	// watches. It is told before it is prepared, and once. Both writers may be used at the same time; their errors say nothing.
	Printer interface {
		PrintTo(stdout, stderr io.Writer)
	}

	// Timed tells where the time of its evaluations goes, as it goes, to whoever wants to know. It is told of them before it is prepared, and once; tell
	// is called by the goroutine that prepares or evaluates.
	Timed interface {
		TimeTo(tell func(part Part, took time.Duration))
	}

	// Interpreted tells how the Python that runs its program is started: the words, the directory and the environment. A run asks it for its version
	// and its packages, and writes them down. There are no words where the program is not in Python.
	Interpreted interface {
		Interpreter() (argv []string, dir string, env []string)
	}

	// Tester has a test of its own for what a search has found: on data that no search is shown, say. "l2l-mpi test" calls it, of one that has been opened
	// and evaluates nothing. Test writes what people are to read, as it comes, and returns the numbers that are worth keeping, or [ErrNoTest] where its
	// configuration names no test.
	Tester interface {
		Test(ctx context.Context, found Found, stdout, stderr io.Writer) (Scores, error)
	}

	// Reporter explains an individual to people: at the end of a run it is asked about the best one, and by "l2l-mpi eval" about any.
	Reporter interface {
		Report(ctx context.Context, e Evaluation, w io.Writer) error
	}
)

// ErrNoTest is returned by a Tester that has none.
var ErrNoTest = errors.New("the optimizee has no test")

// Found is a point that a search has found.
type Found struct {
	Params
	Individual int64     // its number; -1 for a point that is no individual
	Fitness    []float64 // as well as it is known, in the order of Objectives; nil where it is not

	// Front has, of several objectives that are not added up, the best compromises, one of which the Found itself then is.
	Front []Found
}

// Part is a part of the time that a model takes.
type Part string

// The parts. A worker starts up outside of its evaluations, and a program that evaluates once within each.
const (
	StartUp  Part = "start-up" // until the program is ready, or, where it does not say when it is, until it has been started
	Transfer Part = "transfer" // of parameters to the program and of results from it
	Computed Part = "model"    // what the program took itself
	Answered Part = "answer"   // both, of a program that does not say what of it is the model's
)

// Place is where a slot is.
type Place struct {
	Rank     int
	Slot     int      // of the rank, from 0
	CPUs     []int    // that are the slot's share; nil where that is not known, or there is less than one
	GPUs     []string // that are the slot's share, perhaps together with other slots; nil where there are none
	Variable string   // of the environment by which a program is told of the GPUs; "" where there are none
}

// CPUList is the CPUs as lists of them are written: 0-3,8.
func (p Place) CPUList() string {
	var parts []string
	for i := 0; i < len(p.CPUs); {
		j := i
		for j+1 < len(p.CPUs) && p.CPUs[j+1] == p.CPUs[j]+1 {
			j++
		}
		part := fmt.Sprint(p.CPUs[i])
		if j > i {
			part += fmt.Sprint("-", p.CPUs[j])
		}
		parts = append(parts, part)
		i = j + 1
	}
	return strings.Join(parts, ",")
}

// Type is an optimizee as a configuration names it: "optimizee: {type: <Name>, …}".
type Type struct {
	Name      string
	Title     string // a few words
	Doc       string // what it models and what its fitness is
	Reference string // paper or source; "" where there is none

	// New makes one with its default configuration. The other keys of the configuration are read into those of its fields that
	// carry the tags of package schema; then Open is called, if it is an Opener.
	New func() Optimizee
}
