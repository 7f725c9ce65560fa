package run

import (
	"context"
	"fmt"
	"runtime"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/mpi"
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
	old, err := report.Open(dir, nil)
	if err != nil {
		return r, err
	}
	sessions, err := old.Sessions()
	if err != nil {
		return r, err
	}
	begun := sessions[len(sessions)-1].Begun
	plan, err := config.Parse("the configuration of "+dir, []byte(begun.Config), kinds)
	if err != nil {
		return r, err
	}
	if err := plan.SearchesAs(old.Begun); err != nil {
		return r, err
	}
	if len(assignments) > 0 {
		if plan, err = plan.With(assignments); err != nil {
			return r, err
		}
		if _, err := plan.Resumable(begun.Config); err != nil {
			return r, fmt.Errorf("rerun does the same again: %w", err)
		}
	}
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
