package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/mpi"
)

// workDir is where, in the run's directory, evaluations have directories of their own.
const workDir = "work"

// logsDir is where, in the run's directory, logs are.
const logsDir = "logs"

// slotLogFile is where what the programs of a slot print is kept, in the run's directory.
func slotLogFile(rank, slot int) string {
	return filepath.Join(logsDir, fmt.Sprintf("rank-%d-slot-%d.log", rank, slot))
}

// slotLogs matches what slotLogFile makes.
var slotLogs = filepath.Join(logsDir, "rank-*-slot-*.log")

// numbered are where the directories of runs are that have none of their own choice.
func numbered(name string) string { return filepath.Join("runs", name) }

// last is the number of the last run of that name; 0 if there is none.
func last(name string) (last int) {
	entries, _ := os.ReadDir(numbered(name)) // none: the first run
	for _, e := range entries {
		n := 0
		if _, err := fmt.Sscanf(e.Name(), "%d", &n); err == nil && e.IsDir() {
			last = max(last, n)
		}
	}
	return last
}

// lastDirectory is the directory of the last run of that name; "" if there is none.
func lastDirectory(name string) string {
	n := last(name)
	if n == 0 {
		return ""
	}
	return filepath.Join(numbered(name), fmt.Sprintf("%03d", n))
}

// newDirectory makes the directory of the next run of that name. Of several runs that ask at the same time each has its own.
func newDirectory(name string) (string, error) {
	if err := os.MkdirAll(numbered(name), 0o777); err != nil {
		return "", err
	}
	for n := last(name) + 1; ; n++ {
		dir := filepath.Join(numbered(name), fmt.Sprintf("%03d", n))
		if err := os.Mkdir(dir, 0o777); !errors.Is(err, fs.ErrExist) {
			return dir, err
		}
	}
}

// remains are what a run leaves behind, besides its journal.
var remains = []string{"run.yaml", "result.json", "manifest.json", "checkpoint"}

// hasBegun reports whether the journal of the run in dir has a first event: not if the run was ended while it began, or if there is no run.
func hasBegun(dir string) bool {
	for _, err := range journal.Read(dir, 0) {
		return err == nil || !journal.IsTorn(err) && !errors.Is(err, fs.ErrNotExist)
	}
	return false
}

// open opens the run's directory: that of a new run, or of one to go on with, whose events the search then takes in. A directory in which there
// is something else, such as the log of a batch system, may be begun in.
func (r *leader) open() (err error) {
	opts := journal.Options{Sync: r.Output.Sync, Checkpoint: r.Output.Checkpoint, Seen: r.sessions.Take}
	if r.Output.OnFull == "wait" {
		opts.Full = func(err error) { r.log.Warn().Err(err).Msg("the disk is full; the run waits for room") }
	}
	if !journal.Exists(r.dir) {
		if r.journal, err = journal.Create(r.dir, opts); !errors.Is(err, journal.ErrExists) { // else another process was faster
			if err != nil {
				return err
			}
			return r.writeDown()
		}
	}
	if !r.options.resume {
		return usage(taken(r.dir))
	}
	var cut int64
	if r.journal, cut, err = journal.Open(r.dir, opts); err != nil {
		var d *journal.Damage
		if errors.As(err, &d) {
			err = fmt.Errorf("%w; nothing was changed. To give up everything from there on: truncate -s %d %s", err, d.Offset, d.Path)
		}
		return err
	}
	if cut > 0 {
		r.log.Warn().Int64("bytes", cut).Msg("the journal ends within an event, as after a kill; that event is cut off")
	}
	if r.resumed = hasBegun(r.dir); r.resumed { // now that nobody else writes to it
		r.known = nil
		if err := r.replay(); err != nil {
			return err
		}
		if err := dispatch.Sweep(filepath.Join(r.dir, workDir), failedIn(r.dir)); err != nil {
			r.log.Warn().Err(err).Msg("what an earlier session has left in its work directory cannot be removed")
		}
	}
	return r.writeDown()
}

// failedIn are the results of the run in dir that failed, up to where its journal can be read.
func failedIn(dir string) iter.Seq[*l2l.Result] {
	return func(yield func(*l2l.Result) bool) {
		for e, err := range journal.Read(dir, 0) {
			if err != nil {
				return
			}
			if r, ok := e.Event.(l2l.Result); ok && r.Ending != l2l.OK && !yield(&r) {
				return
			}
		}
	}
}

// replay brings the search to the end of the journal.
func (r *leader) replay() error {
	var from int64
	for e, err := range journal.Read(r.dir, 0) {
		if err != nil {
			return err
		}
		begun, ok := e.Event.(l2l.Begun)
		if !ok {
			return fmt.Errorf("%s: its journal does not begin with a configuration", r.dir)
		}
		if _, err := r.search.Replay(begun); err != nil {
			return err
		}
		changes, err := goesOn(r.Plan, begun)
		if err != nil {
			return usage(err)
		}
		for _, c := range changes {
			r.log.Info().Str("key", c.Path).Str("before", strings.Trim(c.Before, `"`)).Str("now", strings.Trim(c.After, `"`)).Msg("the run was started with another value")
		}
		break
	}
	if r.search.Recalls() {
		r.log.Info().Msg("the optimizer is another program: it is told what the one before it proposed and what came of that, as recorded")
	}
	checkpoint, ok, passed := journal.LatestCheckpoint(r.dir)
	for _, err := range passed {
		r.log.Warn().Err(err).Msg("a checkpoint cannot be used")
	}
	if ok {
		if err := r.search.Restore(checkpoint.Snapshot); err != nil {
			r.log.Warn().Err(err).Msg("the checkpoint cannot be used; all events are replayed instead")
		} else {
			from = checkpoint.Offset
		}
	}
	events := 0
	for e, err := range journal.Read(r.dir, from) {
		if err == nil {
			_, err = r.search.Replay(e.Event)
			events++
		}
		if err != nil {
			return fmt.Errorf("%s: event %d after byte %d: %w", r.dir, events, from, err)
		}
	}
	r.log.Info().Int64("evaluations", r.search.Evaluations()).Int("generation", r.search.Status().Generation).
		Bool("checkpoint", from > 0).Int("events", events).Msg("resumed")
	return nil
}

// writeDown writes the effective configuration, and opens the log.
func (r *leader) writeDown() error {
	if err := os.MkdirAll(filepath.Join(r.dir, logsDir), 0o777); err != nil {
		return err
	}
	text := "# The effective configuration of this run: every default is written out.\n" + r.effective
	if err := journal.WriteFile(filepath.Join(r.dir, "run.yaml"), []byte(text)); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(r.dir, logsDir, "rank-0.jsonl"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	r.logFile = f
	level := r.log.GetLevel()
	r.log = zerolog.New(zerolog.SyncWriter(zerolog.MultiLevelWriter(r.options.log, f))).Level(level).With().Timestamp().Logger()
	return nil
}

// manifest writes manifest.json: where and by what the run was made, this session first, and then all of them. result is nil while it goes on.
func (r *leader) manifest(begun l2l.Begun, result *Result) error {
	m := map[string]any{
		"name": r.Name, "seed": r.Seed, "version": begun.Version, "go": runtime.Version(), "mpi": mpi.Library(), "ranks": len(r.ranks),
		"slots": begun.Slots, "hosts": begun.Hosts, "started": r.started.Format(time.RFC3339), "resumed": r.resumed, "placement": r.placed(),
		"sessions": r.sessions.Entries(result == nil),
	}
	if job := r.jobEntry(); job != nil {
		m["job"] = job
	}
	if r.teams != nil {
		m["teams"] = r.teamEntries()
		if idle := r.teams.Idle(len(r.ranks)); len(idle) > 0 {
			m["ranks_idle"] = idle
		}
	}
	if result != nil {
		m["ended"], m["reason"] = time.Now().Format(time.RFC3339), result.Reason.String()
		if len(result.Lost) > 0 || result.Again > 0 {
			m["ranks_lost"], m["evaluated_again"] = result.Lost, result.Again
		}
		m["use"] = result.Use
		if result.Copies.Made > 0 {
			m["copies"] = result.Copies
		}
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return journal.WriteFile(filepath.Join(r.dir, "manifest.json"), append(b, '\n'))
}
