package run

import (
	"context"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/batch"
)

// wallTime is the rule of a run in a job that has so much time left: a tenth of it, two minutes at most, is kept for what has to be written down,
// and for the job script.
func wallTime(left time.Duration) time.Duration { return left - min(left/10, 2*time.Minute) }

// findJob looks for the batch job that the run is in, and settles the stop rules: a wall time that is to be as long as the job. A run in memory has
// no such limit, as it cannot be resumed.
func (r *leader) findJob(ctx context.Context) {
	stop := r.Stop
	defer func() { r.stop.Store(&stop) }()
	if stop.WallTime == l2l.UntilJobEnds {
		stop.WallTime = 0
	}
	if r.journal == nil {
		return
	}
	job, ok, err := batch.Current(ctx)
	if !ok {
		return
	}
	r.job, r.left = job, time.Until(job.End)
	line := r.log.Info()
	if err != nil {
		line = r.log.Warn().Err(err)
	}
	line = line.Str("system", job.System).Str("id", job.ID)
	switch {
	case job.End.IsZero():
		line.Msg("in a job, of which no end is known")
		return
	case r.left <= 0: // by its clock, or by this one
		line.Time("end", job.End).Msg("in a job whose end has passed")
		return
	}
	if r.Stop.WallTime == l2l.UntilJobEnds {
		stop.WallTime = wallTime(r.left)
	}
	line.Time("end", job.End).Stringer("wall_time", stop.WallTime.Round(time.Second)).Msg("in a job")
}

// jobEntry is the job in manifest.json.
type jobEntry struct {
	System  string `json:"system"`
	ID      string `json:"id"`
	Account string `json:"account,omitempty"`
	End     string `json:"end,omitempty"`
	Left    string `json:"left,omitempty"` // when the session began
}

// jobEntry is the job that the session is in; nil where it is in none.
func (r *leader) jobEntry() *jobEntry {
	if r.job.ID == "" {
		return nil
	}
	e := &jobEntry{System: r.job.System, ID: r.job.ID, Account: r.job.Account}
	if !r.job.End.IsZero() {
		e.End, e.Left = r.job.End.Format(time.RFC3339), r.left.Round(time.Second).String()
	}
	return e
}
