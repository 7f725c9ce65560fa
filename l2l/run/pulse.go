package run

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/table"
)

// pulse is an evaluator that knows what is under way, as far as rank 0 can: as many of what was submitted as there is room for, from the first on.
type pulse struct {
	evaluator

	mu    sync.Mutex
	room  int
	all   table.Table[beat] // submitted, and not ended
	queue []*beat           // in the order in which they were submitted, from the first on that has not ended
	next  int               // of the queue: the first that has not begun
	under int               // that have begun and not ended
	lost  []int             // the ranks that do not answer any more
	asked bool              // somebody wants to know of them
	held  bool              // nothing begins
}

// beat is one of them.
type beat struct {
	table.Key
	began time.Time // the zero time before
	ended bool
}

func newPulse(e evaluator) *pulse { return &pulse{evaluator: e} }

// Submit implements l2l.Evaluator.
func (p *pulse) Submit(es []l2l.Evaluation) error {
	p.mu.Lock()
	p.room = p.Capacity()
	beats := make([]beat, len(es))
	for i := range es {
		b, e := &beats[i], &es[i]
		b.Key = table.Key{Individual: e.Individual, Instance: e.Instance, Replicate: e.Replicate, Attempt: e.Attempt}
		p.all.Set(b.Key, b)
		p.queue = append(p.queue, b)
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
	for i := range rs {
		r := &rs[i]
		b := p.all.Delete(table.Key{Individual: r.Individual, Instance: r.Instance, Replicate: r.Replicate, Attempt: r.Attempt})
		if b != nil {
			b.ended = true
			if !b.began.IsZero() {
				p.under--
			}
		}
	}
	p.begin(time.Now())
	if who, ok := p.evaluator.(interface{ Lost() []int }); ok && p.asked {
		p.asked, p.lost = false, who.Lost()
	}
	return rs, err
}

// Hold implements l2l.Holder.
func (p *pulse) Hold(held bool) {
	p.mu.Lock()
	p.held = held
	p.begin(time.Now())
	p.mu.Unlock()
	p.evaluator.Hold(held)
}

// begin has what waits begin where there is room, and forgets what has ended. p.mu is held.
func (p *pulse) begin(now time.Time) {
	for !p.held && p.under < p.room && p.next < len(p.queue) {
		if b := p.queue[p.next]; !b.ended {
			b.began = now
			p.under++
		}
		p.next++
	}
	for len(p.queue) > 0 && p.queue[0].ended {
		p.queue[0] = nil
		p.queue = p.queue[1:]
		p.next = max(p.next-1, 0)
	}
	const spare = 1024
	if len(p.queue) > 2*p.all.Len()+spare { // behind one that takes long
		behind := slices.DeleteFunc(slices.Clone(p.queue[p.next:]), func(b *beat) bool { return b.ended })
		p.queue = slices.DeleteFunc(p.queue[:p.next], func(b *beat) bool { return b.ended })
		p.next = len(p.queue)
		p.queue = append(p.queue, behind...)
	}
}

// underWay is how many evaluations have begun and not ended, and for how long one of them has.
func (p *pulse) underWay(now time.Time) (n int, longest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.under > 0 {
		longest = max(now.Sub(p.queue[0].began), 0) // it has not ended, and began first
	}
	return p.under, longest
}

// oldest are up to so many of the evaluations that have begun and not ended, the first begun first.
func (p *pulse) oldest(most int) (all []beat) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = true
	for _, b := range p.queue[:p.next] {
		if len(all) == most {
			break
		}
		if !b.ended {
			all = append(all, *b)
		}
	}
	return all
}

// gone are the ranks that did not answer any more when the last evaluation ended after oldest was called.
func (p *pulse) gone() []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}
