package run_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
)

const slowly = "optimizee: {type: valley, delay: 700ms}\noptimizer: {type: random}\nstop: {evaluations: 6, wall_time: 1h}\nexecution: {slots: 2}\n"

func TestWhatIsUnderWayIsTellableWhileARunGoesOn(t *testing.T) {
	p := plan(t, "%s", strings.Replace(slowly, "700ms", "10m", 1)) // it is told to end before that
	dir := p.Output.Dir
	stale := report.Live{Host: "of a session that was killed", Longest: []report.UnderWay{{Individual: 77}}}
	if err := errors.Join(os.MkdirAll(dir, 0o777), stale.Write(dir)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := run.Run(ctx, mpi.Local(1)[0], p)
		done <- err
	}()
	var seen *report.Live
	for deadline := time.Now().Add(2 * time.Minute); (seen == nil || seen.UnderWay < 2) && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if l, written := report.ReadLive(dir); l != nil && l.Host != stale.Host {
			seen = l
			if age := time.Since(written); age > 2*time.Minute {
				t.Errorf("it is %v old", age)
			}
		}
	}
	if seen == nil || seen.UnderWay != 2 || len(seen.Longest) != 2 || len(seen.Slots) != 1 || seen.Slots[0] != 2 || seen.WallTime != 3600 {
		t.Errorf("%+v", seen)
	} else if u := seen.Longest[0]; u.Individual > 5 || u.Seconds < 0 || u.Seconds > 120 {
		t.Errorf("%+v is under way", u)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*live*")); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".*live*")); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// A directory in which the file cannot be written is no concern of the run's.
func TestRunDoesNotNeedToTellWhatIsUnderWay(t *testing.T) {
	p := plan(t, slowly)
	if err := os.MkdirAll(filepath.Join(p.Output.Dir, "live.json", "in the way"), 0o777); err != nil {
		t.Fatal(err)
	}
	if result, err := run.Run(t.Context(), mpi.Local(1)[0], p); err != nil || result.Evaluations != 6 {
		t.Errorf("%d evaluations, %v", result.Evaluations, err)
	}
}
