package dispatch

import (
	"io"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// Transcript takes in what the program of a slot prints, if its optimizee is an optimizee.Printer. It is used from several goroutines at a time.
type Transcript interface {
	// Begin says that what is printed from now on is of these evaluations, of which there is at least one.
	Begin(es []l2l.Evaluation)
	Stdout() io.Writer
	Stderr() io.Writer
	Close() error
}

// transcript is that of the slot with an index, for an optimizee that has one; otherwise nil. A slot that takes another's place has the same.
func (p *pool) transcript(index int, o optimizee.Optimizee) Transcript {
	printer, ok := o.(optimizee.Printer)
	if !ok || p.opts.Transcript == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.transcripts[index] == nil {
		p.transcripts[index] = p.opts.Transcript(index)
	}
	t := p.transcripts[index]
	printer.PrintTo(t.Stdout(), t.Stderr())
	return t
}
