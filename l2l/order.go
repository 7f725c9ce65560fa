package l2l

import (
	"context"
	"sync"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// Ordered says that somebody has changed how the run goes on, while it went on. It is for people: no order changes what is searched, and one
// holds until its session ends. A resumed run neither pauses nor stops because of it.
type Ordered struct {
	Order  string // pause, resume, stop, set
	Detail string // of stop when, of set what became of which value
	By     string // who gave it
	At     int64  // Unix time in microseconds
}

func (o *Ordered) fields() []any { return []any{&o.Order, &o.Detail, &o.By, &o.At} }

// EncodeMsgpack implements msgpack.CustomEncoder.
func (o Ordered) EncodeMsgpack(enc *msgpack.Encoder) error {
	return codec.EncodeRecord(enc, o.fields()...)
}

// DecodeMsgpack implements msgpack.CustomDecoder.
func (o *Ordered) DecodeMsgpack(dec *msgpack.Decoder) error {
	return codec.DecodeRecord(dec, o.fields()...)
}

func (Ordered) event() {}

// Order is something that a loop is to take in between two of its steps: an event that does not touch the search, and what is to be done then.
type Order struct {
	Event Event       // is recorded
	Do    func(*Loop) // is called by the loop's goroutine, then; nil: there is nothing to do
	Taken func(error) // is called last, with the error of recording it; nil: nobody wants to know
}

// Orders are the orders that a loop has not taken in yet. The zero value has none. Give may be called from any goroutine; the rest is the loop's.
type Orders struct {
	mu    sync.Mutex
	given []Order
	over  error // why no order is taken any more

	waiting context.Context // ends when its parent does, or an order is given; the same until then
	parent  context.Context
	wake    context.CancelFunc
}

// Give gives a loop an order. It does not wait until it is taken in.
func (o *Orders) Give(order Order) {
	o.mu.Lock()
	over := o.over
	if over == nil {
		o.given = append(o.given, order)
		if o.wake != nil {
			o.wake()
		}
	}
	o.mu.Unlock()
	if over != nil && order.Taken != nil {
		order.Taken(over)
	}
}

// Close has orders that are not taken in yet, and those that are given from now on, end with an error.
func (o *Orders) Close(over error) {
	o.mu.Lock()
	o.over = over
	if o.wake != nil {
		o.wake()
	}
	o.mu.Unlock()
	for _, order := range o.take() {
		if order.Taken != nil {
			order.Taken(over)
		}
	}
}

// take takes the orders that were given.
func (o *Orders) take() []Order {
	if o == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	given := o.given
	o.given = nil
	return given
}

// until is ctx, until an order is given.
func (o *Orders) until(ctx context.Context) context.Context {
	if o == nil {
		return ctx
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.parent != ctx || o.waiting.Err() != nil {
		if o.wake != nil {
			o.wake()
		}
		o.parent = ctx
		o.waiting, o.wake = context.WithCancel(ctx)
	}
	if len(o.given) > 0 {
		o.wake()
	}
	return o.waiting
}

// Holder is an Evaluator that can hold back what no slot has begun with, so that nothing more begins until it is no longer held.
type Holder interface {
	Hold(held bool)
}

// Pause has nothing more asked, and nothing begin that is not under way, until Resume. It is for an Order to call, as the methods below are.
func (l *Loop) Pause() { l.pause(true) }

// Resume ends a pause.
func (l *Loop) Resume() { l.pause(false) }

func (l *Loop) pause(paused bool) {
	l.paused = paused
	if h, ok := l.Evaluator.(Holder); ok {
		h.Hold(paused)
	}
}

// Paused reports whether the loop pauses.
func (l *Loop) Paused() bool { return l.paused }

// UnderWay is the number of evaluations that have been submitted and not ended.
func (l *Loop) UnderWay() int { return l.under }

// StopNow ends the run: what is under way is given up. A pause does not delay it.
func (l *Loop) StopNow() { l.last = stopNow }

// StopAfterGeneration ends the run when the generation is completed that is under way; of finals, when their present batch is. A pause ends.
func (l *Loop) StopAfterGeneration() {
	l.last = l.Search.Status().Generation
	l.pause(false)
}

// The values of Loop.last but a number of generations.
const (
	noStop  = -2
	stopNow = -1
)

// ordered is why the run is to stop by an order; the zero StopReason where it is not.
func (l *Loop) ordered() StopReason {
	completed := l.Search.Status().Generation
	switch {
	case l.last == noStop:
		return StopReason{}
	case l.last == stopNow:
		return because(ByOrder, "at once, within generation %d", completed)
	case l.searching() == 0 || l.Search.asynchronous() && !l.Search.finishing() && completed > l.last:
		return because(ByOrder, "after %d generations", completed)
	}
	return StopReason{}
}

// heed takes in the orders that were given.
func (l *Loop) heed() error {
	var failed error
	for _, order := range l.Orders.take() {
		err := failed
		if err == nil && order.Event != nil {
			err = l.happened(order.Event)
		}
		if err == nil && order.Do != nil {
			order.Do(l)
		}
		if order.Taken != nil {
			order.Taken(err)
		}
		failed = err
	}
	return failed
}

// next are the results of evaluations that have ended; none where an order is given before.
func (l *Loop) next(ctx context.Context) ([]Result, error) {
	waiting := l.Orders.until(ctx)
	results, err := l.Evaluator.Next(waiting)
	if err != nil && ctx.Err() == nil && waiting.Err() != nil {
		err = nil
	}
	return results, err
}
