package dispatch

import (
	"math"
	"slices"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// copies are what a scheduler knows of evaluations that take suspiciously long. Where nothing is queued and a slot has nothing to do, the
// evaluation that has been under way for longest is given to it as well, if it has been so for patience times the time that it may take there; or at once,
// if its rank has been so slow that another one will have done it before. The rank that comes last has its copy dropped.
//
// Whether it helps depends on why something takes long: because of the evaluation itself, and then the copy takes as long, or because of where it
// runs. So a copy that loses makes the scheduler more patient, and one that wins less.
//
// A rank that is very slow is passed over while the others will be done with all that is queued before it would be with one evaluation. To learn whether it
// still is, it gets a copy of something now and then.
type copies struct {
	on       bool
	alone    holding // before the first and after the last of a ring of those that one rank has, in the order in which they were given
	patience float64
	pace     []pace // by rank
	drops    []drop // to be told to their ranks
	later    []drop // to be told if they take much longer still
	made     int
	won      int     // of those made: the first result was theirs
	wasted   float64 // seconds that slots have spent on what another one did first
}

// pace is how much longer than guessed a rank's evaluations take.
type pace struct {
	sum   float64   // of the logarithms of the ratios, which are forgotten after a while
	n     float64   // of the ratios
	tried time.Time // when it was given a copy to learn about it
}

// drop is an evaluation that a rank has and nobody waits for.
type drop struct {
	rank       int
	evaluation l2l.Evaluation
	since      time.Time
}

// The numbers that make copies.
const (
	leastPatience = 2.0
	mostPatience  = 100.0
	impatience    = 1.5                  // factor of the patience, for each copy that has ended
	leastAge      = 5 * time.Millisecond // of an evaluation that is copied: a copy costs messages
	worthwhile    = 2.0                  // times that a copy may take: what it has to save, for an evaluation to be copied at once
	paceMemory    = 16.0                 // ratios that a pace is made of
	paceDoubts    = 1.0                  // as if a rank had been on time before so many times
	paceKnown     = 4.0                  // ratios from which on it is taken for granted
	lettingFinish = 30.0                 // times of an evaluation after which one is dropped that was to tell about its rank
	verySlow      = 3                    // doublings of the time from which on a rank is passed over: it does less than an eighth of a slot's work
	trial         = 100.0                // times of an evaluation after which a rank that is passed over is tried again
	unfinished    = math.Ln2             // what is added to the logarithm of the time of an evaluation that was dropped
)

func newCopies(ranks int) copies { return copies{patience: leastPatience, pace: make([]pace, ranks)} }

// log is the logarithm of the factor.
func (p pace) log() float64 { return p.sum / (p.n + paceDoubts) }

func (p pace) factor() float64 { return math.Exp(p.log()) }

// slow is how often the factor is doubled.
func (p pace) slow() int { return max(int(math.Floor(p.log()/math.Ln2)), 0) }

// take takes a ratio in.
func (p *pace) take(log float64) {
	if p.n == paceMemory {
		p.sum -= p.sum / paceMemory
		p.n--
	}
	p.sum, p.n = p.sum+log, p.n+1
}

// join has a holding be one that may be copied, the last one.
func (c *copies) join(h *holding) {
	if !c.on {
		return
	}
	if c.alone.before == nil {
		c.alone.before, c.alone.after = &c.alone, &c.alone
	}
	h.before, h.after = c.alone.before, &c.alone
	h.before.after, h.after.before = h, h
}

// leave has a holding be none that may be copied.
func (c *copies) leave(h *holding) {
	if h.before != nil {
		h.before.after, h.after.before = h.after, h.before
		h.before, h.after = nil, nil
	}
}

// decided takes into account that an owner was the first to answer.
func (c *copies) decided(h *holding, first owner) {
	c.leave(h)
	if first.copy {
		c.won++
	}
	switch {
	case !h.suspicious:
	case first.copy:
		c.patience = max(c.patience/impatience, leastPatience)
	default:
		c.patience = min(c.patience*impatience, mostPatience)
	}
	for _, o := range h.owners {
		d := drop{o.rank, h.evaluation, h.since}
		if p := c.pace[o.rank]; !o.copy && p.n < paceKnown || p.slow() >= verySlow {
			c.later = append(c.later, d) // how slow the rank is shows when it is done
		} else {
			c.drops = append(c.drops, d)
		}
	}
}

// overdue has those dropped that were to tell about their ranks and take too long for that.
func (s *scheduler) overdue() {
	limit := seconds(lettingFinish * math.Exp(s.forecast.level))
	s.copies.later = slices.DeleteFunc(s.copies.later, func(d drop) bool {
		over := s.now.Sub(d.since) > limit
		if over {
			s.copies.drops = append(s.copies.drops, d)
		}
		return over
	})
}

// timed takes in how long an evaluation took on a rank. One that was dropped would have taken longer.
func (s *scheduler) timed(h *holding, o owner, r *l2l.Result, counts bool) {
	if s.mean < foreseeable && r.Seconds < foreseeable || r.Seconds <= 0 || counts && r.Ending != l2l.OK {
		return
	}
	log, pace := math.Log(r.Seconds), &s.copies.pace[o.rank]
	if s.forecast.known() {
		late := log - s.forecast.best(h.guess)
		if r.Ending != l2l.OK {
			if late += unfinished; late <= pace.log() {
				return
			}
		}
		pace.take(late)
		s.ranks.slow(o.rank, pace.slow())
	}
	if r.Ending == l2l.OK {
		s.forecast.learn(&h.evaluation, h.guess, log-pace.log())
	}
}

// passedOver reports whether it would take a rank, which has the least work per slot, longer to do one evaluation of the queue than the others all of them.
func (s *scheduler) passedOver(rank int) bool {
	if !s.copies.on || s.ranks.load[rank].slow < verySlow || s.queued() == 0 || s.ranks.quick == 0 {
		return false
	}
	one := math.Exp(s.forecast.best(s.forecast.guess(&s.queue[s.first])))
	return one*s.copies.pace[rank].factor() > one+math.Exp(s.forecast.level)*float64(s.queued())/float64(s.ranks.quick*s.batch)
}

// try gives the evaluation that was given out last to a rank that is passed over, if that has not been done for long.
func (s *scheduler) try(rank int) (_ int, es []l2l.Evaluation, next time.Time) {
	p := &s.copies.pace[rank]
	if next = p.tried.Add(seconds(trial * math.Exp(s.forecast.level))); s.now.Before(next) {
		return 0, nil, next
	}
	p.tried = s.now
	return rank, s.double(s.copies.alone.before, rank, false), next
}

// copy gives what has been under way for too long to a rank with nothing to do, which it returns with the evaluations: those of one call. Where there is
// nothing now, it returns when there may be; the zero time if that depends on results.
func (s *scheduler) copy() (rank int, es []l2l.Evaluation, next time.Time) {
	first := s.copies.alone.after
	if rank = s.ranks.lightest(); first == nil || first == &s.copies.alone || s.queued() > 0 || s.ranks.free == 0 || !s.forecast.known() {
		return 0, nil, next
	}
	if s.ranks.load[rank].slow >= verySlow {
		return s.try(rank)
	}
	const looks = 16 // those that were given together are alike, and the older ones come first
	there := s.copies.pace[rank].factor()
	for h, n := first, 0; h != &s.copies.alone && n < looks; h, n = h.after, n+1 {
		o := h.owners[0]
		takes := math.Exp(s.forecast.best(h.guess)) // anywhere
		if o.call != nil {
			takes *= float64(o.call.size)
		}
		here := takes * float64(max(h.turns, 1)) * s.copies.pace[o.rank].factor()
		due := h.since.Add(max(seconds(s.copies.patience*here), leastAge))
		left := here - s.now.Sub(h.since).Seconds()
		if slow := left > worthwhile*takes*there; slow || !s.now.Before(due) {
			return rank, s.double(h, rank, !slow), next
		}
		if next.IsZero() || due.Before(next) {
			next = due
		}
	}
	return 0, nil, next
}

// double gives what is in the call of a holding to another rank as well.
func (s *scheduler) double(h *holding, rank int, suspicious bool) (es []l2l.Evaluation) {
	for same := h.owners[0].call; h != &s.copies.alone && h.owners[0].call == same; h = h.after { // it is the first one of its call
		h.suspicious = suspicious
		e := h.evaluation
		e.Copy++
		es = append(es, e)
		if same == nil {
			break
		}
	}
	s.give(rank, es, 1)
	s.copies.made += len(es)
	return es
}

// seconds is a time that is not too long for a Duration.
func seconds(s float64) time.Duration { return time.Duration(min(s, 1e9) * float64(time.Second)) }
