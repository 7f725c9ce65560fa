// Package campaign is several runs, one after the other, on the same ranks: [Run] takes the members of a campaign to their ends. Each is an ordinary
// run, in a directory of its own, and how far the campaign has come is what these directories say: it has no other state. So a campaign that was
// interrupted, or killed, is resumed by looking at them.
//
// What the members are is said by package config, how each is run by package run; arguments, signals and reports are no business of this one.
package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
)

// Member is a run of the campaign, and how it stands.
type Member struct {
	config.Member
	State  report.State // Waiting until it has begun
	Before bool         // it had ended in an earlier session of the campaign, and was left as it is
	Result run.Result   // of this session; the zero Result where it was not run
	Err    error        // why it could not begin, or not go on
}

// Waiting is the state of a member that has not begun.
const Waiting report.State = "waiting"

// ErrLost is what an error of Run is, by errors.Is, if ranks do not answer any more: what waits can be run by another session, on other ranks.
var ErrLost = errors.New("campaign: ranks do not answer any more")

// Check is where the members stand. With resume those that have begun go on, and those that have ended, in success or in failure, are left as they are;
// without it none may have begun. The error, which is run.ErrUsage, names all that can not run. Nothing is changed.
func Check(members []config.Member, resume bool) ([]Member, error) {
	all := make([]Member, len(members))
	var errs []error
	for i, m := range members {
		all[i] = Member{Member: m, State: Waiting}
		if err := run.Check(m.Plan, optionsOf(resume)...); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.Name, err))
			continue
		}
		status, err := report.ReadStatus(m.Plan.Output.Dir)
		switch {
		case errors.Is(err, report.ErrNoRun):
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", m.Name, err))
		default:
			all[i].State = status.State
			all[i].Before = status.State == report.Finished || status.State == report.Failed
		}
	}
	const most = 3 // that are told: as a rule they are of one kind
	if more := len(errs) - most; more > 0 {
		errs = append(errs[:most], fmt.Errorf("… and so for %s", report.Count(int64(more), "other run")))
	}
	return all, errors.Join(errs...)
}

func optionsOf(resume bool) []run.Option {
	if resume {
		return []run.Option{run.Resume()}
	}
	return nil
}

// Run runs the members that have not ended, in their order, on all ranks of comm; it is called on rank 0, and [Follow] on the others. It changes their
// State, Result and Err. One that fails does not end the others. A run that is interrupted, by ctx or at its wall time, ends the campaign: the others
// wait. ended is called after each run. The error says why the campaign could not go on; lost are ranks that comm can only be aborted for, as in
// run.Result.
func Run(ctx context.Context, comm mpi.Comm, members []Member, resume bool, ended func(Member), options ...run.Option) (lost []int, err error) {
	options = append(optionsOf(resume), options...)
	for i := range members {
		m := &members[i]
		if m.Before || ctx.Err() != nil {
			continue
		}
		if err := announce(comm, true); err != nil {
			return nil, err
		}
		m.Result, m.Err = run.Run(ctx, comm, m.Plan, options...)
		m.State = stateOf(m.Result, m.Err)
		ended(*m)
		var aborted mpi.AbortError
		switch {
		case errors.As(m.Err, &aborted):
			return nil, m.Err
		case len(m.Result.Lost) > 0 && slices.ContainsFunc(members[i:], func(m Member) bool { return m.State.Resumable() || m.State == Waiting }):
			return m.Result.Lost, fmt.Errorf("%w: %v", ErrLost, m.Result.Lost)
		case len(m.Result.Lost) > 0:
			return m.Result.Lost, nil
		case m.State.Resumable():
			return nil, announce(comm, false)
		}
	}
	return nil, announce(comm, false)
}

func stateOf(r run.Result, err error) report.State {
	switch {
	case err != nil || r.Reason.Failed():
		return report.Failed
	case r.Reason.Rule == l2l.ByOrder:
		return report.Stopped
	case r.Reason.Resumable():
		return report.Interrupted
	}
	return report.Finished
}

// announce tells the other ranks whether there is another run.
func announce(comm mpi.Comm, more bool) error {
	word := []byte{0}
	if more {
		word[0] = 1
	}
	_, err := comm.Bcast(context.Background(), 0, word) // an exchange that was cut short would leave the others waiting
	return err
}

// CallOff is what rank 0 calls instead of Run if there is nothing to run: Follow of the other ranks then returns.
func CallOff(comm mpi.Comm) error { return announce(comm, false) }

// Follow is Run for the other ranks.
func Follow(ctx context.Context, comm mpi.Comm, kinds config.Kinds) (err error) {
	for {
		word, berr := comm.Bcast(context.WithoutCancel(ctx), 0, nil)
		if berr != nil || len(word) != 1 || word[0] == 0 {
			return errors.Join(err, berr)
		}
		if ferr := run.Follow(ctx, comm, kinds); ferr != nil && !errors.Is(ferr, run.ErrElsewhere) && err == nil {
			err = ferr // of this run; rank 0 counts on this rank for the next
		}
	}
}
