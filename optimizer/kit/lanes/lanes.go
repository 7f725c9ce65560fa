// Package lanes runs several searches side by side as one, for more evaluations at a time than one of them has use for. Each lane is a search with a
// seed of its own, that learns by generations and hears nothing of the others: what it proposes follows from its own results alone, whoever finished
// first. Which lane proposes next depends on who finished. So two runs of the same seed that are of different speed agree on every lane, as far as
// both have come with it.
//
// So it is unless lanes are [Early], which do not wait for their last results where these take too unequally long: what they propose then depends on who
// is late.
//
// What the lanes are, how many and how large, is for the algorithm to say. The package keeps the books, and shares the slots out.
package lanes

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// Member is a search that can be a lane: one that learns by generations, so that the order in which results are told does not matter to it unless it is
// Early, and that begins again by itself where it has converged.
type Member interface {
	optimizer.Optimizer
	// Size is the number of individuals in its present or next generation, at least 1.
	Size() int
	// Level is how good the individuals are that it proposes at present, as a loss; +Inf where it has learnt nothing yet.
	Level() float64
}

// Early is a Member that learns before the last results of a generation are in, so that what it proposes depends on who is late.
type Early interface {
	Member
	// Hurry says whether results come in late, so that slots would idle for as long as it waits for them. At first they do not.
	Hurry(late bool)
}

// Rules say which lanes there are.
type Rules struct {
	Base []int // populations, at least 1, of the lanes that there are from the beginning, at least one
	Most int   // lanes that there may be, at least as many
	Open int   // individuals that may be under way, at least 1
	// Added is the part of the slots, in [0, 1/2), that lanes which are added have when the first two lanes have converged, where they and those of the
	// beginning can use all; twice that where one of them leads. With 0, and until then, they have what those of the beginning leave.
	Added float64
	// Again is how many runs of the first lane that follow its first one have slots kept for them, as that has.
	Again int
	// New makes lane n, from 1 on, with a seed of its own. Lane n is the same in every search with the same parameters and seed.
	New func(n int, seed uint64) (Member, error)
}

// Together are the lanes of several searches in one set: those of the first, those of the second, and so on. Lanes that are added are of all of
// them in turn, and have what the others leave.
func Together(all ...Rules) (r Rules) {
	for _, part := range all {
		r.Base, r.Most, r.Open = append(r.Base, part.Base...), r.Most+part.Most, r.Open+part.Open
	}
	r.Again = all[0].Again
	r.New = func(n int, seed uint64) (Member, error) {
		from := 0
		for _, part := range all {
			if n <= from+len(part.Base) {
				return part.New(n-from, seed)
			}
			from += len(part.Base)
		}
		part, round := all[(n-from-1)%len(all)], (n-from-1)/len(all)
		return part.New(len(part.Base)+1+round, seed)
	}
	return r
}

// Set is lanes as one search, which is asynchronous: it proposes whenever a lane does. An algorithm embeds it, and marshals its Snapshot.
//
// Slots are shared out by stride scheduling (Waldspurger and Weihl 1995, MIT/LCS/TM-528), to each lane in proportion to its population (see weight),
// so that with too few of them the lanes' generations take equally long. A lane waits for the last results of its generation; where evaluations take
// equally long, that is no time, and slots that are free for a moment must be kept for it. Where they do not, a lane of a large population waits many
// times as long as one of a small one: then lanes are added, which have what the first ones leave (see spares).
type Set struct {
	problem optimizer.Problem
	rules   Rules
	members []Member
	s       State

	// What follows from the above.
	under   []int     // individuals under way of the lanes
	dry     []bool    // lanes that propose nothing until they are told more
	levels  []float64 // of the lanes
	figures [][]optimizer.Figure
	begun   []int // times that the lanes have begun again
	leader  int   // the lane of the best level
	stop    string

	choosing bool // all lanes are Early, and choose their quorum
}

// State is all of a Set that changes, but for the members.
type State struct {
	Stream   kit.Stream[place]
	Src      *kit.Source // of the lanes' seeds
	Lanes    []lane
	Clock    [2]float64 // the pass of the lane that was served last, among the first ones and among those added
	Out      int64      // the number after that of the individual that the first lane has proposed last
	Again    int64      // the number of the next individual when the first one proposed after that was told; 0 before
	Overtook int        // individuals proposed since then, and told before the first lane's generation was complete
	Slack    float64    // a running mean of those for each of its generations
	Late     float64    // of lanes that are Early, with a quorum that is given: see heed
	Turns    turns      // with one that is left open
	Restarts optimizer.Restarts
}

// place is a proposal in its lane.
type place struct {
	Lane int   // from 0 on
	ID   int64 // its number there
}

type lane struct {
	Pass       float64 // individuals proposed, each divided by the weight at that time: the smallest is next
	Generation int     // completed
	State      []byte  // of the member; set in a snapshot only
}

// New makes a set of lanes, which are made when they are needed first.
func New(problem optimizer.Problem, rules Rules, seed uint64) *Set {
	return &Set{problem: problem, rules: rules, s: State{Src: kit.NewSource(seed)}}
}

// Asynchronous implements optimizer.Asynchronous.
func (o *Set) Asynchronous() {}

// begin makes the first lanes, unless they are there.
func (o *Set) begin() error {
	for len(o.members) < len(o.rules.Base) {
		if err := o.open(); err != nil {
			return err
		}
	}
	return nil
}

// open adds a lane.
func (o *Set) open() error {
	m, err := o.rules.New(len(o.members)+1, o.s.Src.Uint64())
	if err != nil {
		return err
	}
	o.s.Lanes = append(o.s.Lanes, lane{})
	o.add(m)
	return nil
}

// add takes a member in, with what is known of it.
func (o *Set) add(m Member) {
	st := m.Status()
	o.members, o.dry, o.levels, o.figures = append(o.members, m), append(o.dry, false), append(o.levels, m.Level()), append(o.figures, st.Figures)
	o.begun, o.under = append(o.begun, st.Restarts.Count), append(o.under, 0)
	e, ok := m.(Early)
	if ok {
		e.Hurry(o.late())
	}
	o.choosing = ok && o.problem.Quorum == 0 && (o.choosing || len(o.members) == 1)
	o.lead()
	o.stop = cmp.Or(o.stop, st.Stop)
}

// lead finds the lane that has come furthest; of equals it is the first.
func (o *Set) lead() { o.leader = slices.Index(o.levels, slices.Min(o.levels)) }

// WarmStart tells the first lane of what is known. Points without a loss are proposed before any other individual.
func (o *Set) WarmStart(known []optimizer.Solution) error {
	if err := o.begin(); err != nil {
		return err
	}
	w, ok := o.members[0].(optimizer.WarmStarter)
	if !ok {
		return fmt.Errorf("%w: it cannot begin with what is known", optimizer.ErrUnsuited)
	}
	if err := w.WarmStart(known); err != nil {
		return err
	}
	points := 0
	for _, k := range known {
		if len(k.Loss) == 0 {
			points++
		}
	}
	for i := 1; i < len(o.s.Lanes); i++ {
		o.s.Lanes[i].Pass = (float64(points) - 0.5) / o.weight(0)
	}
	return nil
}

// Ask implements optimizer.Optimizer.
func (o *Set) Ask(most int) (out []optimizer.Candidate, err error) {
	if err := o.begin(); err != nil {
		return nil, err
	}
	for len(out) < max(most, 1) && len(o.s.Stream.Open) < o.rules.Open && o.stop == "" {
		at := o.turn()
		if at < 0 {
			if !o.spares() && !o.mayScout() || len(o.members) == o.rules.Most {
				break
			}
			if err := o.open(); err != nil {
				return nil, err
			}
			continue
		}
		proposed, err := o.members[at].Ask(1)
		if err != nil {
			return nil, err
		}
		if len(proposed) == 0 {
			o.dry[at] = true
			continue
		}
		l, clock := &o.s.Lanes[at], o.clock(at)
		*clock = max(l.Pass, *clock)
		l.Pass = *clock + 1/o.weight(at)
		c := o.s.Stream.Propose(proposed[0].X, place{at, proposed[0].ID})
		c.Lane, c.Generation = at+1, l.Generation
		o.under[at]++
		if at == 0 {
			o.s.Out, o.s.Again = c.ID+1, 0
		}
		out = append(out, c)
	}
	return out, nil
}

// weight is what a lane's share of the slots is in proportion to: the population that it began with, so that one that grows does not hold the others
// up, which may be about to find what there is to find. When the first lane has converged they have had their chance, and it is the present one. Lanes that
// are added to a part of the slots of their own have equal shares, so that the small ones, with which a run is short, begin again often.
func (o *Set) weight(at int) float64 {
	if at >= len(o.rules.Base) && o.rules.Added > 0 {
		return 1
	}
	w := float64(o.members[at].Size())
	if !o.settled() && at < len(o.rules.Base) {
		w = float64(o.rules.Base[at])
	}
	if at == 0 {
		w *= o.favour()
	}
	return w
}

// settled reports whether the first lane has had the runs for which slots are kept.
func (o *Set) settled() bool { return o.begun[0] > o.rules.Again }

// clock is that of the lanes that a lane is served among.
func (o *Set) clock(at int) *float64 {
	if at < len(o.rules.Base) {
		return &o.s.Clock[0]
	}
	return &o.s.Clock[1]
}

// turn is the lane to propose next, among those that may; -1 where none does. The first lanes come before those added, but for the part of the slots that
// is for these.
func (o *Set) turn() int {
	first, all := len(o.rules.Base), len(o.s.Lanes)
	if o.settled() && o.begun[min(1, first-1)] > 0 && float64(o.out()) < o.part()*float64(len(o.s.Stream.Open)) {
		if at := o.next(first, all); at >= 0 || all < o.rules.Most {
			return at
		}
	}
	if at := o.next(0, first); at >= 0 {
		return at
	}
	return o.next(first, all)
}

// part is the part of the slots that is for lanes which were added. As in NBIPOP (Loshchilov, Schoenauer and Sebag 2012, doi 10.1007/978-3-642-32937-1_30)
// it is twice as large where one of them has come furthest.
func (o *Set) part() float64 {
	if o.leader >= len(o.rules.Base) {
		return 2 * o.rules.Added
	}
	return o.rules.Added
}

// next is the lane to propose next, of those from one number to before another. A lane that has waited is not made up for it.
func (o *Set) next(from, to int) int {
	best, least := -1, math.Inf(1)
	for i := from; i < to; i++ {
		if pass := max(o.s.Lanes[i].Pass, *o.clock(i)); !o.dry[i] && pass < least && o.may(i) {
			best, least = i, pass
		}
	}
	return best
}

// may reports whether a lane may have one more individual under way. Until the first lane has converged, its slots are kept for it, and so are those
// of the others, unless there are slots to spare.
func (o *Set) may(at int) bool {
	switch {
	case o.spares():
		return true
	case o.choosing && at >= len(o.rules.Base):
		return o.mayScout()
	case o.late():
		return true
	}
	return at < len(o.rules.Base) && o.under[at] < o.rules.Base[at] && !o.lends(at)
}

// spares reports whether there are slots to spare, for lanes that have more to propose and for others: where evaluations take so unequally long that
// many times one ends, and another that is begun then, while the first lane, whose individuals are all under way, still waits for the last of them.
// It is counted and not timed. Where they take about equally long, that does not happen. When the first lane has converged, nothing is kept any more.
//
// Lanes that choose their quorum do not wait so, and a slot that another lane has just taken is one that the first lane lacks when it learns next.
func (o *Set) spares() bool {
	return o.settled() || !o.choosing && o.s.Slack > slack*float64(o.rules.Open)
}

const slack = 0.05 // part of the individuals under way

// Tell implements optimizer.Optimizer.
func (o *Set) Tell(results []optimizer.Evaluated) error {
	before := o.late()
	answers, err := o.s.Stream.Tell(results, o.problem)
	if err != nil {
		return err
	}
	for _, a := range answers {
		switch id := a.Proposal.ID; {
		case o.s.Again > 0 && id >= o.s.Again:
			o.s.Overtook++
		case o.s.Again == 0 && id >= o.s.Out:
			o.s.Again = o.s.Stream.NextID
		}
		if _, ok := o.members[a.Memo.Lane].(Early); ok {
			o.heed(a.Proposal.ID)
		}
		if err := o.tell(a.Memo.Lane, a.Memo.ID, a.Evaluated); err != nil {
			return err
		}
	}
	if late := o.late(); late != before {
		for i, m := range o.members {
			if e, ok := m.(Early); ok {
				e.Hurry(late)
				o.dry[i] = false
			}
		}
	}
	return nil
}

// tell tells a lane of the individual that has that number there.
func (o *Set) tell(at int, id int64, ev optimizer.Evaluated) error {
	m, l := o.members[at], &o.s.Lanes[at]
	ev.ID = id
	if err := m.Tell([]optimizer.Evaluated{ev}); err != nil {
		return err
	}
	o.dry[at] = false
	o.under[at]--
	st := m.Status()
	if st.Generation == l.Generation {
		return nil
	}
	l.Generation = st.Generation
	for _, r := range st.Restarts.Since(o.begun[at]) {
		r.Told = o.s.Stream.Told
		r.Reason = fmt.Sprintf("%s, of lane %d", r.Reason, at+1)
		o.s.Restarts.Add(r)
	}
	o.levels[at], o.figures[at], o.begun[at] = m.Level(), st.Figures, st.Restarts.Count
	o.lead()
	o.stop = cmp.Or(o.stop, st.Stop)
	if at == 0 {
		o.s.Slack += 0.25 * (float64(o.s.Overtook) - o.s.Slack)
		o.s.Overtook = 0
	}
	return nil
}

// Status implements optimizer.Optimizer. A generation is as many results as individuals may be under way. The figures are the number of lanes, which
// of them leads, and its own. The search has ended when one of the lanes has.
func (o *Set) Status() optimizer.Status {
	st := o.s.Stream.Status(o.rules.Open)
	st.Restarts, st.Stop = o.s.Restarts, o.stop
	if len(o.members) > 0 {
		st.Figures = append(st.Figures, optimizer.Figure{Name: "lanes", Value: float64(len(o.members))},
			optimizer.Figure{Name: "lane", Value: float64(o.leader + 1)})
		st.Figures = append(st.Figures, o.figures[o.leader]...)
	}
	return st
}

// recommenders are the lanes, the best of them, whose points are recommended.
const recommenders = 4

// Recommend implements optimizer.Recommender: it is what the lanes recommend that have come furthest.
func (o *Set) Recommend() (points [][]float64) {
	order := make([]int, len(o.members))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(o.levels[a], o.levels[b]) })
	for _, i := range order[:min(len(order), recommenders)] {
		if r, ok := o.members[i].(optimizer.Recommender); ok {
			points = append(points, r.Recommend()...)
		}
	}
	return points
}

// Snapshot is the state with those of the members.
func (o *Set) Snapshot() (State, error) {
	s := o.s
	s.Lanes = slices.Clone(s.Lanes)
	for i, m := range o.members {
		var err error
		if s.Lanes[i].State, err = m.MarshalBinary(); err != nil {
			return s, err
		}
	}
	return s, nil
}

// Restore continues from a snapshot. It returns ErrState, and changes nothing, if that is of other lanes.
func (o *Set) Restore(s State) error {
	n := len(s.Lanes)
	outside := func(p kit.Proposal[place]) bool {
		return p.Memo.Lane < 0 || p.Memo.Lane >= n || len(p.X) != o.problem.Dim()
	}
	if n > o.rules.Most || n > 0 && n < len(o.rules.Base) || slices.ContainsFunc(s.Stream.Open, outside) || s.Src == nil {
		return fmt.Errorf("%w: it is of other lanes", optimizer.ErrState)
	}
	again := Set{problem: o.problem, rules: o.rules, s: s}
	again.s.Lanes = slices.Clone(s.Lanes)
	for i := range again.s.Lanes {
		m, err := o.rules.New(i+1, 0)
		if err == nil {
			err = m.UnmarshalBinary(again.s.Lanes[i].State)
		}
		if err != nil {
			return err
		}
		again.s.Lanes[i].State = nil
		again.add(m)
	}
	for _, p := range s.Stream.Open {
		again.under[p.Memo.Lane]++
	}
	*o = again
	return nil
}
