package l2l

import (
	"fmt"
	"math"
	"slices"

	"github.com/vmihailenco/msgpack/v5"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Where evaluations are noisy, the best individual told is the luckiest, and its fitness better than it is. So the search is followed by finals:
//
//   - In the race, finalists (what the optimizer recommends, minima fitted to all that was told, the best told, the next best) are evaluated anew, one
//     batch after the other. All have the same seeds and instances in the same place of their batches, so that they are compared by differences of
//     pairs. After each batch, every finalist is out whose loss is significantly larger than that of the one with the smallest mean, until one is
//     left or the race's share of the evaluations, a half, is used up.
//   - The measurement evaluates the winner, and it alone, with all that is left of the evaluations: its mean and the interval around it owe nothing
//     to the choice of the winner.
//   - The test evaluates the winner on the instances that the search was never shown, where there are such.
//
// A finalist is out after n batches' pairs if their mean difference d to the leader has d √n / s > t(1 − α/((k−1) L), n−1), where s is their
// standard deviation, k the number of finalists at first, L the most looks that there can be, and t a quantile of Student's distribution: the
// probability that the truly best one is lost is at most α, by Bonferroni's inequality over its comparisons with the others at all looks. It
// is successive elimination (Even-Dar, Mannor and Mansour 2006, Action Elimination and Stopping Conditions for the Multi-Armed Bandit, JMLR 7,
// 1079-1105, algorithm 3) with paired t tests, as in the races of Moore and Lee 1994, Efficient Algorithms for Minimizing Cross Validation
// Error, ICML.
//
// Finals are a part of the fold. They do not touch the optimizer, nor the trajectory: a resumed run whose rules let it search on does so, and has
// finals again at its end.

// raceError is α.
const raceError = 0.05

// Least numbers of fitnesses of a finalist in the race, and of the winner in the measurement; with fewer evaluations there are fewer finalists.
const (
	leastRace    = 3
	leastMeasure = 2
)

// Finalists say how many points are evaluated anew at the end of a noisy search.
type Finalists struct {
	Count       int   `yaml:"count" doc:"points that are evaluated anew once the search has ended, where evaluations are noisy: those that the optimizer recommends, and the best that it was told; 0 is none, and the answer is then what is recommended" range:"[0, 100]"`
	Fitted      bool  `yaml:"fitted" doc:"some of them are minima of quadratic functions that are fitted to what the optimizer was told, so that noise averages out"`
	Evaluations int64 `yaml:"evaluations" doc:"evaluations of all of them together, within stop.evaluations" range:"[1, inf)" auto:"a twentieth of stop.evaluations, or, without that rule, of the evaluations that the search has made"`
}

// finals is the number of evaluations of the finals, whole individuals, where the run may have so many evaluations (0: there is no limit), and the search
// has made some; 0 where they are too few to measure anything.
func (r *Rules) finals(limit, made int64) int64 {
	const share = 20
	n := made / share
	if limit > 0 {
		n = limit / share
	}
	if f := r.Finalists; f.Evaluations > 0 {
		if n = f.Evaluations; limit > 0 {
			n = min(n, limit)
		}
	}
	each := int64(r.Evaluations())
	if r.Finalists.Count == 0 || n < leastMeasure*each {
		return 0
	}
	return n - n%each
}

// Stage is a part of the finals.
type Stage string

// The stages, in their order.
const (
	Race    Stage = "race"
	Measure Stage = "measurement"
	Test    Stage = "test"
)

// Origin says where a finalist comes from.
type Origin string

// The origins. The best and the elites are individuals that were told; a recommended or fitted point need not have been.
const (
	Recommended Origin = "recommended"
	BestTold    Origin = "best"
	Elite       Origin = "elite"
	Fitted      Origin = "fitted" // the minimum of a quadratic function
)

// Finalist is a point that is evaluated anew.
type Finalist struct {
	Origin Origin
	Told   int64 // the individual that was told; -1 for a recommended or fitted point
	X      codec.Vector
}

// Finals says that finalists are evaluated anew. The first of those that follow a search has the finalists.
type Finals struct {
	Stage Stage
	From  int64 // the number of the first of these evaluations' individuals; the others follow downwards: From − 1, From − 2, …
	Of    []int // the finalist that each is of, by its place in Finalists

	// Of the first alone.
	Finalists []Finalist
	Budget    int64 // evaluations of race and measurement together
	Count     int   // the most finalists that there could be
	Tests     int   // how many of the instances of the test are evaluated: all, unless stop.evaluations leaves less
}

func (f *Finals) fields() []any {
	return []any{(*string)(&f.Stage), &f.From, &f.Of, &f.Finalists, &f.Budget, &f.Count, &f.Tests}
}

// EncodeMsgpack implements msgpack.CustomEncoder.
func (f Finals) EncodeMsgpack(enc *msgpack.Encoder) error {
	return codec.EncodeRecord(enc, f.fields()...)
}

// DecodeMsgpack implements msgpack.CustomDecoder.
func (f *Finals) DecodeMsgpack(dec *msgpack.Decoder) error {
	return codec.DecodeRecord(dec, f.fields()...)
}

func (Finals) event() {}

// Individuals are the individuals that the event has evaluated, as readers see them. finalists are those of the first event of these finals.
func (f Finals) Individuals(finalists []Finalist) ([]Individual, error) {
	out := make([]Individual, len(f.Of))
	for i, of := range f.Of {
		if of < 0 || of >= len(finalists) {
			return nil, fmt.Errorf("%w: finalist %d of %d", ErrDiverged, of, len(finalists))
		}
		out[i] = Individual{ID: f.From - int64(i), X: finalists[of].X}
	}
	return out, nil
}

// Each is the number of evaluations of each of the event's individuals.
func (f Finals) Each(r *Rules) int {
	if f.Stage == Test {
		return max(r.Replicates, 1)
	}
	return r.Evaluations()
}

// finals is the state of the finals.
type finals struct {
	Finalists []finalist
	Stage     Stage // "" when they are over
	Budget    int64
	Tests     int
	Asked     int64 // evaluations, of all stages
	First     int   // the instance that mini-batches begin with, of those that the search has not seen
	Batch     int   // fitnesses of each finalist in a batch of the race
	Looks     int   // most batches of the race
	Place     int   // fitnesses that each of race and measurement have had: where the next ones begin
	Aims      []aim // what is under way, with numbers that descend by one
	Missing   int   // of these
	Tested    []codec.Vector
}

// finalist is a finalist in the finals. A fitness that is nil is one that failed.
type finalist struct {
	Finalist
	Out      bool
	Raced    []codec.Vector
	Measured []codec.Vector
}

// aim is a fitness of a finalist that is under way.
type aim struct {
	ID    int64        // of the individual that stands for it, below 0
	Of    int          // finalist
	Place int          // which fitness of the race and the measurement, or of the test: the same place, the same seeds and instances
	Value codec.Vector // once it has come in; nil if it failed
}

// single reports whether the search has one answer, and no front.
func (s *Search) single() bool { return s.rules.Sum || len(s.rules.Objectives) == 1 }

// follows reports whether finals follow the search: it has a single answer, which is noisy or is to be tested.
func (s *Search) follows() bool {
	return s.single() && (s.Noisy() && s.rules.Finalists.Count > 0 || len(s.rules.Test.Instances) > 0)
}

// testing is the number of evaluations of a test on so many instances.
func (s *Search) testing(instances int) int64 { return int64(instances) * int64(s.rules.Replicates) }

// reserved is the number of evaluations that the search may not have, where all together may have so many: those of its finals, and of earlier
// ones after which it was resumed.
func (s *Search) reserved(limit int64) int64 {
	n := s.s.Afterwards
	if s.s.Finals != nil {
		n -= s.s.Finals.Asked // they are what is reserved
	}
	if !s.single() {
		return n
	}
	return n + s.rules.reserved(limit, s.Noisy())
}

// Reserved is the number of evaluations, of limit in all, that a search for one answer may not have because they are for what follows it; 0 where
// there is no limit. More are reserved once noise is found where the rules know of none.
func (r *Rules) Reserved(limit int64) int64 { return r.reserved(limit, r.Noisy()) }

func (r *Rules) reserved(limit int64, noisy bool) (n int64) {
	if limit == 0 {
		return 0
	}
	if noisy {
		n = r.finals(limit, 0)
	}
	return n + int64(len(r.Test.Instances))*int64(max(r.Replicates, 1))
}

// finishing reports whether finals have begun.
func (s *Search) finishing() bool { return s.s.Finals != nil }

// giveUp ends finals because the search goes on.
func (s *Search) giveUp() {
	if s.s.Finals == nil {
		return
	}
	for _, a := range s.s.Finals.Aims {
		s.open.Delete(openKey(a.ID))
	}
	s.s.Finals = nil
}

// final begins the next part of the finals, where all of the run's evaluations are limited to so many (0: they are not). ok is false when they are
// over, or none follow.
func (s *Search) final(limit int64) (f Finals, ok bool) {
	if s.s.Finals != nil {
		return s.nextFinals()
	}
	if !s.follows() || s.Best() == nil {
		return f, false
	}
	made := s.given() * int64(s.PerIndividual())
	budget, tests := s.rules.finals(limit, made), len(s.rules.Test.Instances)
	if limit > 0 {
		left := max(limit-made-s.s.Afterwards, 0)
		tests = int(min(int64(tests), left/int64(s.rules.Replicates)))
		budget = min(budget, left-s.testing(tests))
	}
	return s.beginFinals(budget, s.rules.Finalists.Count, tests)
}

// beginFinals begins the finals with their first part.
func (s *Search) beginFinals(budget int64, count, tests int) (first Finals, ok bool) {
	fitnesses := int(min(budget/int64(s.PerIndividual()), math.MaxInt32))
	if !s.Noisy() || count == 0 {
		fitnesses = 0
	}
	f := &finals{Budget: budget, Tests: tests}
	if r := s.rules.Rotate; r > 0 {
		f.First = (s.Status().Generation/r + 1) * s.rules.Instances
	}
	points := s.finalists(min(count, max(fitnesses/2/leastRace, 1)))
	for _, p := range points {
		f.Finalists = append(f.Finalists, finalist{Finalist: p})
	}
	switch n := len(points); {
	case n > 1:
		f.Stage = Race
		f.Batch = max(leastRace, fitnesses/2/n/4)
		f.Looks = max(1, fitnesses/2/(2*f.Batch))
	case fitnesses >= leastMeasure:
		f.Stage = Measure
	default:
		f.Stage = Test
	}
	s.s.Finals = f
	if first, ok = s.nextFinals(); !ok {
		s.s.Finals = nil
		return first, false
	}
	first.Finalists, first.Budget, first.Count, first.Tests = points, budget, count, tests
	return first, true
}

// finalists are up to n points, all different; at least one. Those that the optimizer recommends and the best told take turns.
func (s *Search) finalists(n int) (out []Finalist) {
	n = max(n, 1)
	add := func(origin Origin, told int64, x []float64) {
		if len(out) == n || slices.ContainsFunc(out, func(f Finalist) bool { return slices.Equal(f.X, x) }) {
			return
		}
		out = append(out, Finalist{origin, told, x})
	}
	best := s.s.Best.Individual
	told := func(k int) {
		switch {
		case k == 0:
			add(BestTold, best.ID, best.X)
		case k <= len(s.s.Elites):
			e := s.s.Elites[k-1].Individual
			add(Elite, e.ID, e.X)
		}
	}
	recommended := s.recommended()
	if !s.Noisy() {
		recommended = nil
	}
	for k := range max(len(recommended), len(s.s.Elites)+1) {
		if k < len(recommended) && !slices.Equal(recommended[k], best.X) {
			add(Recommended, -1, recommended[k])
		}
		if k == 0 {
			for _, x := range s.fitted() {
				add(Fitted, -1, x)
			}
		}
		told(k)
	}
	return out
}

// recommended are the points that the optimizer recommends; where fitnesses are of different mini-batches, what it says of the best told is not to
// be taken at its word, and the best of the present one takes its place.
func (s *Search) recommended() [][]float64 {
	if _, ok := s.optimizer.(optimizer.Recommender); !ok && s.s.Best != nil {
		return [][]float64{s.s.Best.Individual.X}
	}
	return optimizer.Recommended(s.optimizer)
}

// nextFinals is the next part of the finals; ok is false when they are over.
func (s *Search) nextFinals() (next Finals, ok bool) {
	f := s.s.Finals
	next = Finals{From: -1 - s.s.Anew}
	for f.Stage != "" && len(next.Of) == 0 {
		next.Stage = f.Stage
		switch f.Stage {
		case Race:
			for range f.Batch {
				for i := range f.Finalists {
					if !f.Finalists[i].Out {
						next.Of = append(next.Of, i)
					}
				}
			}
		case Measure:
			next.Of = slices.Repeat([]int{f.winner(s)}, int(f.left()/int64(s.PerIndividual())))
		case Test:
			next.Of = slices.Repeat([]int{f.winner(s)}, f.Tests)
		}
		if len(next.Of) == 0 {
			f.advance()
		}
	}
	s.s.Anew += int64(len(next.Of))
	place := map[int]int{} // of finalists
	for i, of := range next.Of {
		a := aim{ID: next.From - int64(i), Of: of, Place: place[of]}
		if place[of]++; f.Stage != Test {
			a.Place += f.Place
		}
		f.Aims = append(f.Aims, a)
		f.Missing++
		ind := Individual{ID: a.ID, X: f.Finalists[of].X}
		n := s.evaluationsOf(&ind)
		s.await([]Individual{ind}, n)
		f.Asked += int64(n)
		s.s.Afterwards += int64(n)
	}
	return next, len(next.Of) > 0
}

// left is the number of evaluations that race and measurement still have.
func (f *finals) left() int64 { return max(f.Budget-f.Asked, 0) }

// advance goes on to the next stage.
func (f *finals) advance() {
	f.Stage = map[Stage]Stage{Race: Measure, Measure: Test}[f.Stage]
}

// aim is the one that an individual stands for.
func (f *finals) aim(id int64) *aim {
	if f == nil || len(f.Aims) == 0 || id > f.Aims[0].ID || id <= f.Aims[0].ID-int64(len(f.Aims)) {
		return nil
	}
	return &f.Aims[f.Aims[0].ID-id]
}

// tellFinal takes in a fitness of the finals, nil if it failed. With the last one of a part it is decided how they go on.
func (s *Search) tellFinal(id int64, fitness codec.Vector) {
	f := s.s.Finals
	f.aim(id).Value = fitness
	if f.Missing--; f.Missing > 0 {
		return
	}
	for _, a := range f.Aims {
		of := &f.Finalists[a.Of]
		switch f.Stage {
		case Race:
			of.Raced = append(of.Raced, a.Value)
			f.Place = max(f.Place, a.Place+1)
		case Measure:
			of.Measured = append(of.Measured, a.Value)
			f.Place = max(f.Place, a.Place+1)
		case Test:
			f.Tested = append(f.Tested, a.Value)
		}
	}
	f.Aims = nil
	if f.Stage == Race {
		alive := f.eliminate(s)
		cost := int64(alive*f.Batch) * int64(s.PerIndividual())
		if alive > 1 && f.Asked+cost <= f.Budget/2 {
			return // once more
		}
	}
	f.advance()
}

// losses are those of fitnesses; NaN of one that failed.
func (s *Search) losses(fitnesses []codec.Vector) []float64 {
	out := make([]float64, len(fitnesses))
	for i, v := range fitnesses {
		if out[i] = math.NaN(); v != nil {
			out[i] = Loss(v, s.rules.Objectives)
		}
	}
	return out
}

// winner is the finalist in the race with the smallest mean loss, the first of equals; before the race the first finalist. One that failed more often
// than not comes behind all others.
func (f *finals) winner(s *Search) int {
	at, least := -1, math.Inf(1)
	for i, of := range f.Finalists {
		if of.Out {
			continue
		}
		if at < 0 {
			at = i
		}
		sum, n := 0.0, 0.0
		losses := s.losses(of.Raced)
		for _, l := range losses {
			if !math.IsNaN(l) {
				sum, n = sum+l, n+1
			}
		}
		if 2*n > float64(len(losses)) && sum/n < least {
			at, least = i, sum/n
		}
	}
	return at
}

// eliminate takes out who is significantly worse than the leader, and returns the number of those that are left.
func (f *finals) eliminate(s *Search) (alive int) {
	leader := f.winner(s)
	best := s.losses(f.Finalists[leader].Raced)
	quantile := 1 - raceError/float64((len(f.Finalists)-1)*f.Looks)
	for i := range f.Finalists {
		of := &f.Finalists[i]
		if of.Out {
			continue
		}
		var differences []float64
		good := 0
		for k, l := range s.losses(of.Raced) {
			if math.IsNaN(l) {
				continue
			}
			good++
			if d := l - best[k]; !math.IsNaN(d) {
				differences = append(differences, d)
			}
		}
		if i != leader {
			of.Out = 2*good <= len(of.Raced) || above0(differences, quantile)
		}
		if !of.Out {
			alive++
		}
	}
	return alive
}

// above0 reports whether the mean of values is above 0, at a quantile of Student's distribution.
func above0(values []float64, quantile float64) bool {
	n := float64(len(values))
	if n < 2 {
		return false
	}
	mean, deviation := stat.MeanStdDev(values, nil)
	if deviation == 0 {
		return mean > 0
	}
	return mean*math.Sqrt(n)/deviation > (distuv.StudentsT{Sigma: 1, Nu: n - 1}).Quantile(quantile)
}

// sameFinals compares a recorded part of the finals with what the search makes of it.
func sameFinals(recorded, made Finals) error {
	same := recorded.Stage == made.Stage && recorded.From == made.From && slices.Equal(recorded.Of, made.Of) &&
		recorded.Budget == made.Budget && recorded.Count == made.Count && recorded.Tests == made.Tests &&
		slices.EqualFunc(recorded.Finalists, made.Finalists, func(a, b Finalist) bool {
			return a.Origin == b.Origin && a.Told == b.Told && slices.Equal(a.X, b.X)
		})
	if !same {
		return fmt.Errorf("the %s of the finals, from number %d on, is not what follows from the events before", recorded.Stage, recorded.From)
	}
	return nil
}
