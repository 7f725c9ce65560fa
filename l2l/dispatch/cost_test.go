package dispatch

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/mpi"
)

// prompt is a link to ranks that hold what they are sent, and answer so many evaluations in a message, one rank after the other.
type prompt struct {
	held    [][]l2l.Evaluation // by rank
	each    int
	next    int
	results []l2l.Result
	buf     []byte
}

func (p *prompt) now() time.Time { return time.Unix(0, 0) }
func (p *prompt) close()         {}

func (p *prompt) send(rank, tag int, data []byte) error {
	if tag != tagTasks {
		return nil
	}
	es, err := decodeTasks(data)
	p.held[rank] = append(p.held[rank], es...)
	return err
}

func (p *prompt) receive(context.Context, time.Time, []byte) ([]byte, mpi.Envelope, error) {
	for p.next = p.next%(len(p.held)-1) + 1; len(p.held[p.next]) == 0; {
		p.next = p.next%(len(p.held)-1) + 1
	}
	n := min(p.each, len(p.held[p.next]))
	p.results = p.results[:0]
	for _, e := range p.held[p.next][:n] {
		r := answer(e)
		r.Fitness, r.Seconds, r.Rank = e.X[:1], 0.1, p.next
		p.results = append(p.results, r)
	}
	p.held[p.next] = p.held[p.next][n:]
	var err error
	p.buf, err = appendResults(p.buf[:0], p.results)
	return p.buf, mpi.Envelope{From: p.next, Tag: tagResults, Len: len(p.buf)}, err
}

// BenchmarkRankZero is what an evaluation costs rank 0 in a message: its processor time for the dispatch, MPI left out, with as many evaluations under way as
// there are slots, and as many results in a message as relays send. It is measured twice, with what the other end does and without, and the difference is told.
func BenchmarkRankZero(b *testing.B) {
	for _, c := range []struct{ ranks, slots, each int }{{1024, 1, 1}, {1024, 1, 4}, {45, 2912, 22}, {45, 2912, 100}} {
		b.Run(fmt.Sprintf("ranks=%d/slots=%d/results=%d", c.ranks, c.slots, c.each), func(b *testing.B) {
			slots := make([]int, c.ranks+1)
			for rank := range slots[1:] {
				slots[rank+1] = c.slots
			}
			co, err := NewCoordinator(nil, Policy{Schedule: Pull, Slots: slots})
			if err != nil {
				b.Fatal(err)
			}
			link := &prompt{held: make([][]l2l.Evaluation, len(slots)), each: c.each}
			co.link = link
			x := make([]float64, 10)
			es := make([]l2l.Evaluation, c.ranks*c.slots)
			next := int64(0)
			submit := func(n int) {
				for i := range es[:n] {
					es[i] = l2l.Evaluation{Individual: next, X: x}
					next++
				}
				if err := co.Submit(es[:n]); err != nil {
					b.Fatal(err)
				}
			}
			submit(len(es))
			var others time.Duration
			before := cpu()
			for done := 0; done < b.N; {
				rs, err := co.Next(context.Background())
				if err != nil {
					b.Fatal(err)
				}
				done += len(rs)
				submit(len(rs))
			}
			all := cpu() - before
			before = cpu()
			for done := 0; done < b.N; { // the same by the other end alone
				data, from, err := link.receive(context.Background(), time.Time{}, nil)
				if err != nil {
					b.Fatal(err)
				}
				_ = data
				link.buf = appendTasks(link.buf[:0], es[:len(link.results)])
				done += len(link.results)
				if err := link.send(from.From, tagTasks, link.buf); err != nil {
					b.Fatal(err)
				}
			}
			others = cpu() - before
			b.ReportMetric(float64(all-others)/float64(b.N), "rank0-ns/op")
			b.ReportMetric(float64(all)/float64(b.N), "cpu-ns/op")
		})
	}
}

// cpu is the processor time of this process.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it cannot fail with these arguments
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
