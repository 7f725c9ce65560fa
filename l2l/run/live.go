package run

import (
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// How often the file live.json is replaced, from when on, and of how many evaluations it tells.
const (
	liveEvery = 3 * time.Second
	liveFirst = time.Second
	liveMost  = 16
)

// live writes what is under way into the run's directory, now and then, in a goroutine of its own: the run never waits for it, and a file system
// that refuses it is no concern of the run's. stop ends that, and removes the file.
func (r *leader) live(p *pulse) (stop func()) {
	over, ended := make(chan bool), make(chan bool)
	_ = report.RemoveLive(r.dir) // that of a session that was killed; it would be replaced anyway
	go func() {
		defer close(ended)
		defer func() { _ = report.RemoveLive(r.dir) }() // a reader sees that the run has ended
		next := time.NewTimer(liveFirst)
		defer next.Stop()
		for {
			select {
			case now := <-next.C:
				_ = r.alive(p, now).Write(r.dir) // there will be another one
				// A slow file system is not to be kept busy.
				next.Reset(max(liveEvery, 50*time.Since(now)))
			case <-over:
				return
			}
		}
	}()
	return func() {
		close(over)
		<-ended
	}
}

// alive is what rank 0 knows just now.
func (r *leader) alive(p *pulse, now time.Time) report.Live {
	l := report.Live{At: now, Host: r.ranks[0].Host, Slots: r.slots, Lost: p.gone(), WallTime: r.stop.Load().WallTime.Seconds(), Longest: []report.UnderWay{}}
	for _, b := range p.oldest(liveMost) {
		l.Longest = append(l.Longest, report.UnderWay{
			Individual: b.Individual, Instance: b.Instance, Replicate: b.Replicate, Attempt: b.Attempt, Seconds: max(now.Sub(b.began), 0).Seconds(),
		})
	}
	l.UnderWay, _ = p.underWay(now)
	return l
}
