package neuron

import (
	"context"
	"slices"
)

// settling is how long the model is left alone, in ms, before it counts as resting.
const settling = 500

// protocol is the currents to be injected, each distinct one once: the same prepulse before many steps is simulated a single time.
// The first is none at all, for settling.
type protocol []pulse

type pulse struct {
	after             int // the pulse from whose end it goes on; it comes earlier in the protocol
	current, duration float64
}

// atRest is the pulse that everything begins with.
var atRest = pulse{after: -1, duration: settling}

// add returns the pulse of the recording's step i, and puts it and its prepulses into the protocol if they are not there yet.
func (p *protocol) add(rec Recording, i int) int {
	if len(*p) == 0 {
		*p = protocol{atRest}
	}
	if i < 0 {
		return 0
	}
	q := pulse{p.add(rec, rec[i].Before), rec[i].Current, rec[i].Duration}
	at := slices.Index(*p, q)
	if at < 0 {
		at = len(*p)
		*p = append(*p, q)
	}
	return at
}

// run returns the response to every pulse.
func (p protocol) run(ctx context.Context, m AdEx) ([]Response, error) {
	responses := make([]Response, len(p))
	for i, q := range p {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		from := m.Leak()
		if q.after >= 0 {
			from = responses[q.after].End
		}
		responses[i] = m.Run(from, q.current, q.duration)
	}
	return responses, nil
}
