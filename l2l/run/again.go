package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// Repetition is a run that is started again.
type Repetition struct {
	Plan        *config.Plan
	Differences []string // what is not as it was
}

// Again is the plan that does again what the run in dir did: the configuration of its last session, which has the same search as those before, in the
// directory out ("": a new one), with the changes of assignments, "key.path=value", which are those that a resumed run may have. The plan differs
// from the run's in nothing else; the world may, and what is known of that is told.
func Again(dir, out string, assignments []string, kinds config.Kinds) (r Repetition, err error) {
	plan, sessions, err := PlanOf(dir, assignments, kinds)
	if err != nil {
		return r, err
	}
	if err := plan.SearchesAs(sessions[0].Begun); err != nil {
		return r, err
	}
	begun := sessions[len(sessions)-1].Begun
	r.Plan = plan.In(out)
	ctx, cancel := context.WithTimeout(context.Background(), inquiry)
	defer cancel()
	now := l2l.Session{MPI: mpi.Library(), Go: runtime.Version(), Commit: commit(ctx)}
	if now.Files, err = ModelFiles(ctx, plan); err != nil {
		return r, err
	}
	for _, c := range FileChanges(sessions.Files(), now.Files) {
		r.Differences = append(r.Differences, c.String())
	}
	if plan.Interpreter != nil {
		now.Python, now.Packages = packages(ctx, plan.Interpreter)
	}
	then := begun.Session
	for _, c := range []struct{ what, before, after string }{
		{"the program", begun.Version, Version()}, {"the compiler", then.Go, now.Go}, {"MPI", then.MPI, now.MPI}, {"Python", then.Python, now.Python},
		{"the git commit", then.Commit, now.Commit},
	} {
		if c.before != c.after && c.before != "" && c.after != "" {
			r.Differences = append(r.Differences, fmt.Sprintf("%s, which was %s, and is %s", c.what, c.before, c.after))
		}
	}
	return r, nil
}

// Test has the model of a plan test what a search has found, by its own test. What that prints goes to stdout and stderr. The error is
// optimizee.ErrNoTest where it has none.
func Test(ctx context.Context, plan *config.Plan, found optimizee.Found, stdout, stderr io.Writer) (scores optimizee.Scores, err error) {
	o, err := plan.NewOptimizee()
	if err != nil {
		return nil, err
	}
	if c, ok := o.(optimizee.Opener); ok {
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	tester, ok := o.(optimizee.Tester)
	if !ok {
		return nil, optimizee.ErrNoTest
	}
	return tester.Test(ctx, found, stdout, stderr)
}

// PlanOf is the plan of the run in dir: the configuration of its last session, which has the same search as those before, with the changes of
// assignments, "key.path=value", which are those that a resumed run may have. sessions are those of the run.
func PlanOf(dir string, assignments []string, kinds config.Kinds) (plan *config.Plan, sessions report.Sessions, err error) {
	old, err := report.Open(dir, nil)
	if err != nil {
		return nil, nil, err
	}
	if sessions, err = old.Sessions(); err != nil {
		return nil, nil, err
	}
	last := sessions[len(sessions)-1].Begun.Config
	plan, err = config.Recorded("the configuration of "+dir, []byte(last), kinds)
	if err != nil || len(assignments) == 0 {
		return plan, sessions, err
	}
	if plan, err = plan.With(assignments); err != nil {
		return nil, nil, err
	}
	if _, err := plan.Resumable(last); err != nil {
		return nil, nil, fmt.Errorf("the search is that of %s: %w", dir, err)
	}
	return plan, sessions, nil
}
