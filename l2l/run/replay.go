package run

import (
	"errors"
	"fmt"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
)

// Proof is what a replay of a journal has shown: up to its end everything is as the optimizer does it. Where the search Recalls, it is that the
// journal is whole, its numbers follow from its results, and that the optimizer could be told of all of it: its proposals are as recorded.
type Proof struct {
	Search *l2l.Search // after the last event; closed
	Events int
	Torn   error // why the journal ends within an event, as after a kill; nil if it does not
}

// Prove replays the journal in dir from its first event, without checkpoints. kinds are those that its configuration may name. The error is
// ErrUsage if they are not enough, and l2l.ErrDiverged if an event is not what the optimizer does.
func Prove(dir string, kinds config.Kinds) (p Proof, err error) {
	defer func() {
		if p.Search != nil {
			err = errors.Join(err, p.Search.Close())
		}
	}()
	for e, err := range journal.Read(dir, 0) {
		if journal.IsTorn(err) {
			p.Torn = err
			break
		}
		if err != nil {
			return p, err
		}
		if begun, ok := e.Event.(l2l.Begun); ok && p.Search == nil {
			if p.Search, err = kinds.Search(begun); err != nil {
				return p, usage(fmt.Errorf("%s: %w", dir, err))
			}
		}
		if p.Search == nil {
			return p, fmt.Errorf("%s: its journal does not begin with a configuration", dir)
		}
		if _, err := p.Search.Replay(e.Event); err != nil {
			return p, fmt.Errorf("%s: event %d, which ends at byte %d: %w", dir, p.Events, e.End, err)
		}
		p.Events++
	}
	if p.Search == nil {
		return p, fmt.Errorf("%s: its journal is empty", dir)
	}
	return p, nil
}
