package lanes

// Whether results come in late is told from the order of their arrival, which is in the journal, and not from a clock. Where evaluations take about
// equally long nothing is late, however many of them there are, and lanes that are Early are as good as others: what they propose is the same whoever
// finished first.

// turns counts the turns of the quickest evaluations. One begins when a few results are in of individuals that were proposed in the one before. An
// individual that is still under way when the third turn after its own begins takes longer than two others one after the other, which have both been
// proposed after it, and have both ended.
type turns struct {
	Began [3]int64 // the numbers of the first individuals of the last turns, of the present one last
	Told  int      // results of individuals of the present turn
}

// few are the results that make a turn: more than chance, or a single one that fails at once, makes of them.
const few = 4

// tell takes in the result of an individual, where next is the number of the one that is proposed next.
func (t *turns) tell(id, next int64) {
	if id < t.Began[2] {
		return
	}
	if t.Told++; t.Told >= few {
		*t = turns{Began: [3]int64{t.Began[1], t.Began[2], next}}
	}
}

// overtaken reports whether an individual that is under way, or was until now, takes so long.
func (t *turns) overtaken(id int64) bool { return id < t.Began[0] }

// known reports whether there have been turns enough to tell.
func (t *turns) known() bool { return t.Began[0] > 0 }

// scouting reports whether it is still to be found out if results come in late. At the beginning each lane waits for all of its first generation, so that
// too few individuals begin in freed slots to show it before the quickest lane's third generation. Scouts show it sooner: individuals of an added lane that
// are proposed in slots as they become free, until enough turns have begun. The smallest lanes wait meanwhile, so that where evaluations take equally long
// the other lanes have the slots that they would have without scouts.
func (o *Set) scouting() bool {
	return o.choosing && len(o.rules.Base) > 1 && o.s.Stream.Told > 0 && !o.s.Turns.known()
}

// scoutShare is the part of the individuals that can be under way that may be scouts, and the smallest lane where it has more: the more there are, the
// quicker is the quickest of them, and the sooner it is known what is late.
const scoutShare = 0.03

// lenders are the lanes in whose slots there are scouts, from this one on.
func (o *Set) lenders() int {
	at := len(o.rules.Base) - 1
	for room := o.rules.Base[at]; at > 1; at-- {
		if room += o.rules.Base[at-1]; float64(room) > scoutShare*float64(o.rules.Open) {
			break
		}
	}
	return at
}

// lends reports whether a lane waits for scouts to end.
func (o *Set) lends(at int) bool {
	return o.choosing && at > 0 && o.s.Lanes[at].Generation > 0 && at >= o.lenders() && (o.scouting() || o.out() > 0)
}

// out is the number of individuals under way of lanes that were added.
func (o *Set) out() (n int) {
	for _, under := range o.under[len(o.rules.Base):] {
		n += under
	}
	return n
}

// mayScout reports whether one more scout may be under way.
func (o *Set) mayScout() bool {
	if !o.scouting() {
		return false
	}
	room := -o.out()
	for _, size := range o.rules.Base[o.lenders():] {
		room += size
	}
	return room > 0
}

// lateShare is the part of the individuals that can be under way that is late where results come in late.
const lateShare = 0.02

// heed takes in the arrival of an individual of a lane that is Early. With a quorum that is given Late is the part of the last results that came in after
// more individuals were proposed than two rounds of the slots.
func (o *Set) heed(id int64) {
	if o.problem.Quorum == 0 {
		o.s.Turns.tell(id, o.s.Stream.NextID)
		return
	}
	o.s.Late -= o.s.Late / float64(o.rules.Open)
	if o.s.Stream.NextID-id > 2*int64(o.rules.Open) {
		o.s.Late += 1 / float64(o.rules.Open)
	}
}

// late reports whether results come in late. Where they do not, a slot that is free for a moment is better kept until the others have ended, and their
// generation is learnt from; where they do, slots that are kept would be idle.
func (o *Set) late() bool {
	if o.problem.Quorum > 0 {
		return o.s.Late > lateShare
	}
	under, most := o.s.Stream.Open, int(lateShare*float64(o.rules.Open)) // in the order of their numbers
	return len(under) > most && o.s.Turns.overtaken(under[most].ID)
}

// favour is what the first lane's share of the slots is multiplied by. Where lanes that choose their quorum do not wait, each takes what it can get, and
// the one that makes the largest steps needs more for them: 3 has been chosen by measurement (bench/results/quorum.txt).
func (o *Set) favour() float64 {
	if o.problem.Quorum == 0 && o.late() {
		return 3
	}
	return 1
}
