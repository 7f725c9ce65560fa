package run

import (
	"context"
	"sync"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// pulse is an evaluator that knows what is under way, as far as rank 0 can: as many of what was submitted as there is room for, from the first on.
type pulse struct {
	evaluator

	mu      sync.Mutex
	room    int
	all     map[attempt]*beat // submitted, and not ended
	waiting []*beat           // in the order in which they were submitted; some may have ended
	begun   map[*beat]time.Time
}

// attempt identifies what was submitted.
type attempt struct {
	individual                   int64
	instance, replicate, attempt int
}

// beat is one of them.
type beat struct{ ended bool }

func newPulse(e evaluator) *pulse {
	return &pulse{evaluator: e, all: map[attempt]*beat{}, begun: map[*beat]time.Time{}}
}

// Submit implements l2l.Evaluator.
func (p *pulse) Submit(es []l2l.Evaluation) error {
	p.mu.Lock()
	p.room = p.Capacity()
	for _, e := range es {
		b := &beat{}
		p.all[attempt{e.Individual, e.Instance, e.Replicate, e.Attempt}] = b
		p.waiting = append(p.waiting, b)
	}
	p.begin(time.Now())
	p.mu.Unlock()
	return p.evaluator.Submit(es)
}

// Next implements l2l.Evaluator.
func (p *pulse) Next(ctx context.Context) ([]l2l.Result, error) {
	rs, err := p.evaluator.Next(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range rs {
		key := attempt{r.Individual, r.Instance, r.Replicate, r.Attempt}
		if b := p.all[key]; b != nil {
			b.ended = true
			delete(p.all, key)
			delete(p.begun, b)
		}
	}
	p.begin(time.Now())
	return rs, err
}

// begin has what waits begin where there is room. p.mu is held.
func (p *pulse) begin(now time.Time) {
	for len(p.begun) < p.room && len(p.waiting) > 0 {
		if b := p.waiting[0]; !b.ended {
			p.begun[b] = now
		}
		p.waiting = p.waiting[1:]
	}
}

// underWay is how many evaluations have begun and not ended, and for how long one of them has.
func (p *pulse) underWay(now time.Time) (n int, longest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, began := range p.begun {
		longest = max(longest, now.Sub(began))
	}
	return len(p.begun), longest
}
