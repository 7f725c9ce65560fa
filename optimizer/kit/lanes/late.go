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
