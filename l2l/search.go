package l2l

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/l2l/table"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// ErrDiverged is returned when recorded events are not what the optimizer does: another configuration, another version of the
// algorithm, or a journal that was changed.
var ErrDiverged = errors.New("l2l: the recorded events are not what this optimizer does")

// Rules say how results become losses. They belong to the run and must not change when it is resumed.
type Rules struct {
	Seed       uint64
	Objectives []optimizee.Objective
	Sum        bool // the optimizer minimises the weighted sum of the objectives (Loss), instead of all of them (Losses)
	Sampling
	OnFailure
}

// Sampling says what an individual is evaluated on, and how that becomes its fitness.
type Sampling struct {
	Instances  int       `yaml:"instances" doc:"tasks of the optimizee's family that each individual is evaluated on" range:"[1, 1e6]"` // 0 means 1
	Rotate     int       `yaml:"rotate" doc:"generations after which individuals are evaluated on the next instances: mini-batches. The best individual is then the best on the last ones; an optimizer that keeps individuals compares their fitnesses all the same. 0 is never" range:"[0, inf)"`
	Replicates int       `yaml:"replicates" doc:"evaluations per instance, which differ by their seeds" range:"[1, 1e6]"` // 0 means 1
	Aggregate  Aggregate `yaml:"aggregate" doc:"how the evaluations of an individual become its fitness" range:"mean | median | worst"`
	Stochastic bool      `yaml:"stochastic" doc:"the same point has another fitness with another seed; an optimizee may say so itself, and it is found out where a point is evaluated twice"`
	Seeds      Seeds     `yaml:"seeds" doc:"whether individuals have seeds of their own, or those of a generation the same ones: common random numbers, with which they are compared on the same chances (without generations, of the results told divided by the population size)" range:"per_individual | common"`
	Finalists  Finalists `yaml:"finalists" doc:"what is evaluated anew once the search has ended, where evaluations are noisy, so that the answer is not the luckiest and its fitness is what it is worth"`
	Test       Testing   `yaml:"test,omitempty" doc:"what the answer is tested on"`
}

// Testing says what the answer of a search is tested on, beside what it was found on.
type Testing struct {
	Instances Instances `yaml:"instances" doc:"instances that the search is not shown, as a range, 100..139, or a list: the answer is evaluated on each of them, with all replicates"`
}

// Seeds says which evaluations share their random numbers.
type Seeds string

// The ways to give seeds. The zero Seeds is PerIndividual.
const (
	PerIndividual Seeds = "per_individual"
	Common        Seeds = "common" // the individuals of a generation have the same, for the same instance and replicate
)

// OnFailure says what follows a failed evaluation.
type OnFailure struct {
	Retries int  `yaml:"retries" doc:"further attempts" range:"[0, inf)"`
	Then    Then `yaml:"then" doc:"what becomes of the individual after that: ranked behind all others, replaced by another, or the end of the run" range:"worst | resample | abort"`
}

// Evaluations is the number of evaluations of each individual, at least 1.
func (s Sampling) Evaluations() int { return max(s.Instances, 1) * max(s.Replicates, 1) }

// Aggregate says how the evaluations of an individual become its fitness, objective by objective.
type Aggregate string

// The aggregates. The zero Aggregate is Mean; Worst is the worst in the objective's direction.
const (
	Mean   Aggregate = "mean"
	Median Aggregate = "median"
	Worst  Aggregate = "worst"
)

// Then says what becomes of an individual that failed.
type Then string

// What becomes of a failed individual. The zero Then is RankWorst.
const (
	RankWorst Then = "worst"    // it ranks behind all others
	Resample  Then = "resample" // another individual takes its place
	Abort     Then = "abort"    // the run ends
)

// Best is the best individual so far; where evaluations rotate, on the last instances.
type Best struct {
	Individual Individual
	Fitness    codec.Vector
	Loss       float64
}

// FrontMember is an individual of the front.
type FrontMember struct {
	ID      int64
	X       codec.Vector
	Fitness codec.Vector
}

// Search is the state of a run after its events: the optimizer, the individuals that are not told yet, and what has been counted. Its
// memory does not grow with the run.
type Search struct {
	rules     Rules
	optimizer optimizer.Optimizer
	s         searchState
	trail     *trail         // of individuals without a lane
	lanes     map[int]*trail // of those of the lanes

	open  table.Table[open]      // individuals asked and not told, by their IDs
	told  [1]optimizer.Evaluated // what the optimizer is told; used again
	line  []byte                 // what a trail is to follow; used again
	spare []*open                // to be used again, for individuals of as many evaluations
	room  []float64              // for losses
}

// searchState is what a snapshot holds, besides the optimizer.
type searchState struct {
	Known       bool            // the optimizer was warm-started
	Open        map[int64]*open // in a snapshot: individuals asked and not told
	Asked       int64           // individuals asked
	Told        int64           // individuals told
	Evaluations int64           // evaluations that ended for good
	Failures    int64           // individuals that failed
	InARow      int             // individuals that failed since the last success
	Reason      string          // why the last of them failed
	Best        *Best
	BestAt      int     // generations completed when the best was found
	Figured     int     // generations completed when figures were told last
	FrontCut    bool    // the front has been so large that the optimizer may have given members up
	Found       bool    // noise was found
	Repeats     repeats // by which it is found; empty once evaluations are known to be noisy
	Elites      []Best  // where evaluations are noisy, the best after the best
	Recent      recent  // where they are noisy, and the rules want a fitted finalist
	Finals      *finals // nil while the search goes on
	Anew        int64   // numbers of the individuals of finals that have been given out
	Afterwards  int64   // evaluations of finals that have been asked for
	Ended       int64   // those of them that have ended for good
	Injected    int64   // individuals that somebody injected

	// The trail of individuals without a lane, in a snapshot, and those of the lanes.
	Next  int64
	Held  map[int64][]byte
	Trail []byte
	Lanes map[int]*trail
}

// open is an individual that waits for evaluations.
type open struct {
	Individual Individual
	Results    []Result // by instance, then replicate; those with Attempt < 0 are missing
	Missing    int
}

// NewSearch is the state before the first event. The search owns the optimizer from now on, and closes it.
func NewSearch(o optimizer.Optimizer, rules Rules) *Search {
	rules.Instances, rules.Replicates = max(rules.Instances, 1), max(rules.Replicates, 1)
	return &Search{rules: rules, optimizer: o, trail: newTrail(), lanes: map[int]*trail{}}
}

// PerIndividual is the number of evaluations of each individual.
func (s *Search) PerIndividual() int { return s.rules.Evaluations() }

// Rules are the rules of the run.
func (s *Search) Rules() Rules { return s.rules }

func (s *Search) asynchronous() bool {
	_, ok := s.optimizer.(optimizer.Asynchronous)
	return ok
}

// Evaluations is the number of evaluations that have ended for good: attempts that are tried again are not counted.
func (s *Search) Evaluations() int64 { return s.s.Evaluations }

// Asked is the number of individuals asked.
func (s *Search) Asked() int64 { return s.s.Asked }

// Individuals is the number of individuals told.
func (s *Search) Individuals() int64 { return s.s.Told }

// Failures is the number of individuals that failed, and why the last of them did.
func (s *Search) Failures() (n int64, reason string) { return s.s.Failures, s.s.Reason }

// Best is the best individual so far; nil before the first success, and with several objectives that are not added up.
func (s *Search) Best() *Best { return s.s.Best }

// Front are, with several objectives that are not added up, the best compromises so far, as far as the optimizer keeps them: no other one
// is better in an objective without being worse in another. In the order of their IDs.
func (s *Search) Front() []FrontMember {
	var out []FrontMember
	for _, f := range s.optimizer.Status().Front {
		out = append(out, FrontMember{ID: f.ID, X: f.X, Fitness: Losses(f.Loss, s.rules.Objectives)}) // what changes the signs changes them back
	}
	return out
}

// FrontCut reports whether the optimizer may have given members of the front up, of which it keeps some optimizer.MaxFront, well spread.
func (s *Search) FrontCut() bool { return s.s.FrontCut }

// fruitless reports whether individuals have been evaluated, and all failed.
func (s *Search) fruitless() bool { return s.s.Told > 0 && s.s.Failures == s.s.Told }

// Status is the optimizer's status.
func (s *Search) Status() optimizer.Status { return s.optimizer.Status() }

// Objectives are the objectives of the run.
func (s *Search) Objectives() []optimizee.Objective { return s.rules.Objectives }

// ErrNoWarmStart is returned where known solutions are given to an optimizer that cannot begin with them.
var ErrNoWarmStart = errors.New("l2l: the optimizer cannot begin with what is known")

// WarmStarts reports whether the optimizer can begin with what is known.
func (s *Search) WarmStarts() bool {
	_, ok := s.optimizer.(optimizer.WarmStarter)
	return ok
}

// know tells the optimizer, before it is first asked, of known solutions.
func (s *Search) know(k WarmStart) error {
	o, ok := s.optimizer.(optimizer.WarmStarter)
	if !ok {
		return ErrNoWarmStart
	}
	s.s.Known = true
	return o.WarmStart(k.Solutions)
}

// ask asks the optimizer and opens what it proposes.
func (s *Search) ask(max int) (Asked, error) {
	candidates, err := s.optimizer.Ask(max)
	if err != nil {
		return Asked{}, err
	}
	asked := Asked{Max: max, Individuals: make([]Individual, len(candidates))}
	generation := s.optimizer.Status().Generation
	for i, c := range candidates {
		asked.Individuals[i] = Individual{ID: c.ID, Generation: generation, X: c.X}
		if c.Lane > 0 {
			t := s.lane(c.Lane)
			asked.Individuals[i] = Individual{ID: c.ID, Generation: c.Generation, X: c.X, Lane: c.Lane, Nth: t.Asked}
			t.Asked++
		}
	}
	s.begin(asked.Individuals)
	return asked, nil
}

// begin opens individuals that were asked.
func (s *Search) begin(individuals []Individual) {
	s.giveUp()
	s.await(individuals, s.PerIndividual())
	s.s.Asked += int64(len(individuals))
}

// await opens individuals that wait for n results each.
func (s *Search) await(individuals []Individual, n int) {
	var more []open // they come and go together, mostly
	for i := range individuals {
		var o *open
		if last := len(s.spare) - 1; last >= 0 && len(s.spare[last].Results) == n {
			o, s.spare = s.spare[last], s.spare[:last]
		} else {
			if len(more) == 0 {
				more = make([]open, len(individuals)-i)
			}
			o, more = &more[0], more[1:]
			o.Results = make([]Result, n)
		}
		o.Individual, o.Missing = individuals[i], n
		for k := range o.Results {
			o.Results[k].Attempt = -1
		}
		s.open.Set(openKey(o.Individual.ID), o)
	}
}

// openKey is the key of an individual among the open ones.
func openKey(id int64) table.Key { return table.Key{Individual: id} }

// Recalls reports whether the optimizer cannot be asked again for what it proposed: a replay then takes its proposals as they are recorded, and
// tells it of them.
func (s *Search) Recalls() bool {
	_, ok := s.optimizer.(optimizer.Recaller)
	return ok
}

// recall opens recorded individuals, and tells the optimizer that it proposed them.
func (s *Search) recall(o optimizer.Recaller, recorded Asked) error {
	if recorded.Digest != nil {
		return fmt.Errorf("%w: %d individuals are recorded by a digest, and the optimizer cannot make them again", ErrDiverged, recorded.Count)
	}
	proposed := make([]optimizer.Candidate, len(recorded.Individuals))
	for i, ind := range recorded.Individuals {
		proposed[i] = optimizer.Candidate{ID: ind.ID, X: ind.X}
	}
	s.begin(recorded.Individuals)
	return o.Recall(proposed)
}

// Close closes the optimizer, if it is an io.Closer. What the search has found out can still be read.
func (s *Search) Close() error {
	if c, ok := s.optimizer.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// First is the first evaluation of an individual of the search: its first instance, replicate 0.
func (s *Search) First(ind Individual) Evaluation { return s.evaluation(&ind, 0, 0) }

// evaluations appends what is to be evaluated of an individual that has no results yet.
func (s *Search) evaluations(es []Evaluation, ind *Individual) []Evaluation {
	for k := range s.evaluationsOf(ind) {
		es = append(es, s.evaluation(ind, k, 0))
	}
	return es
}

// evaluationsOf is the number of evaluations of an individual: of one that stands for an instance of the test, only those.
func (s *Search) evaluationsOf(ind *Individual) int {
	if ind.ID < 0 && s.s.Finals != nil {
		return Finals{Stage: s.s.Finals.Stage}.Each(&s.rules)
	}
	return s.PerIndividual()
}

func (s *Search) evaluation(ind *Individual, k, attempt int) Evaluation {
	first, replicates := s.task(ind)
	instance, replicate := s.rules.Test.Instances.other(first+k/s.rules.Replicates), replicates+k%s.rules.Replicates
	if first < 0 {
		instance = -1 - first
	}
	return Evaluation{
		Individual: ind.ID, Instance: instance, Replicate: replicate, Attempt: attempt,
		Seed: s.rules.SeedOf(*ind, instance, replicate), X: ind.X,
	}
}

// task is the first of an individual's instances, counted without those of the test, and the first of its replicates. An instance of the test is
// −1 − first.
func (s *Search) task(ind *Individual) (first, replicate int) {
	if ind.ID >= 0 {
		return s.rules.Batch(*ind) * s.rules.Instances, 0
	}
	f := s.s.Finals
	switch a := f.aim(ind.ID); {
	case a == nil:
		return 0, 0
	case f.Stage == Test:
		return -1 - s.rules.Test.Instances[a.Place], 0
	case s.rules.Rotate > 0:
		return f.First + a.Place*s.rules.Instances, a.Place * s.rules.Replicates
	default:
		return 0, a.Place * s.rules.Replicates
	}
}

// place is the place among an individual's evaluations of the one of an instance and a replicate; -1 if there is none.
func (s *Search) place(ind *Individual, instance, replicate int) int {
	first, replicates := s.task(ind)
	i, j := s.rules.Test.Instances.before(instance)-first, replicate-replicates
	if first < 0 {
		if i = 0; instance != -1-first {
			return -1
		}
	}
	if i < 0 || j < 0 || j >= s.rules.Replicates {
		return -1
	}
	return i*s.rules.Replicates + j
}

// Batch is the number of the mini-batch that an individual is evaluated on, from 0; always 0 where evaluations do not rotate. All of a generation
// have the same, and fitnesses of different ones are not compared.
func (r *Rules) Batch(ind Individual) int {
	if r.Rotate == 0 {
		return 0
	}
	return ind.Generation / r.Rotate
}

// SeedOf is the seed of an individual's evaluation (see the function SeedOf). Those of the finals, whose individuals have numbers below 0, have the
// same for the same instance and replicate, as those of a generation have with common seeds. Those of an individual in a lane follow from its place
// in it, wherever the other lanes are.
func (r *Rules) SeedOf(ind Individual, instance, replicate int) uint64 {
	const (
		generations = 1 << 62 // beyond all numbers of individuals
		lane        = 1 << 40
	)
	who := max(ind.ID, -1)
	if ind.Lane > 0 {
		who = int64(ind.Lane)*lane + ind.Nth
	}
	if r.Seeds == Common && who >= 0 {
		who = generations + int64(ind.Lane)*lane + int64(ind.Generation)
	}
	return SeedOf(r.Seed, who, instance, replicate)
}

// opens are the individuals asked and not told, by their IDs.
func (s *Search) opens() map[int64]*open {
	all := make(map[int64]*open, s.open.Len())
	for k, o := range s.open.All() {
		all[k.Individual] = o
	}
	return all
}

// pending lists the evaluations that have no final result, in the order of their individuals: what a resumed run has to send out.
func (s *Search) pending() []Evaluation {
	var es []Evaluation
	all := s.opens()
	for _, id := range slices.Sorted(maps.Keys(all)) {
		o := all[id]
		if (id < 0) != s.finishing() {
			continue
		}
		for k, r := range o.Results {
			switch {
			case r.Attempt < 0:
				es = append(es, s.evaluation(&o.Individual, k, 0))
			case r.Ending != OK && r.Attempt < s.rules.Retries:
				es = append(es, s.evaluation(&o.Individual, k, r.Attempt+1))
			}
		}
	}
	return es
}

// take takes a result in. It returns the individual that it is about, which stays as it is until others are asked, and the evaluation to try again, if it
// is to be. A result that answers nothing (a late answer from a rank
// thought lost) is ErrDiverged.
func (s *Search) take(r *Result) (of *Individual, again *Evaluation, err error) {
	o, k := s.open.Get(openKey(r.Individual)), -1
	if o != nil {
		k = s.place(&o.Individual, r.Instance, r.Replicate)
	}
	if k < 0 || k >= len(o.Results) || r.Attempt != o.Results[k].Attempt+1 {
		return nil, nil, fmt.Errorf("%w: a result for individual %d, instance %d, replicate %d, attempt %d, which is not awaited",
			ErrDiverged, r.Individual, r.Instance, r.Replicate, r.Attempt)
	}
	if r.Ending == OK && len(r.Fitness) != len(s.rules.Objectives) {
		return nil, nil, fmt.Errorf("%w: individual %d has %d fitness values, want %d", ErrDiverged, r.Individual, len(r.Fitness), len(s.rules.Objectives))
	}
	o.Results[k] = *r
	if r.Ending != OK && r.Attempt < s.rules.Retries {
		e := s.evaluation(&o.Individual, k, r.Attempt+1)
		return &o.Individual, &e, nil
	}
	s.s.Evaluations++
	if r.Individual < 0 {
		s.s.Ended++
	}
	if o.Missing--; o.Missing > 0 {
		return &o.Individual, nil, nil
	}
	s.open.Delete(openKey(r.Individual))
	err = s.tell(o)
	clear(o.Results)
	s.spare = append(s.spare, o)
	return &o.Individual, nil, err
}

// failedOf is the index of the first result that is not OK; -1 if there is none.
func failedOf(results []Result) int {
	for i := range results {
		if results[i].Ending != OK {
			return i
		}
	}
	return -1
}

// loss is Rules.Loss. Many of them lie in one piece of memory, which is not used again: the optimizer may keep them.
func (s *Search) loss(fitness codec.Vector) []float64 {
	const piece = 256 // losses
	n := 1
	if !s.rules.Sum {
		n = len(s.rules.Objectives)
	}
	if len(s.room) < n {
		s.room = make([]float64, piece*n)
	}
	var loss []float64
	loss, s.room = s.room[:n:n], s.room[n:]
	s.rules.lossInto(loss, fitness)
	return loss
}

// tell tells the optimizer an individual whose evaluations have all ended.
func (s *Search) tell(o *open) error {
	if o.Individual.ID < 0 {
		s.tellFinal(o.Individual.ID, s.rules.Judge(o.Results))
		return nil
	}
	if IsInjected(o.Individual.ID) {
		s.tellInjected(o)
		return nil
	}
	s.told[0] = optimizer.Evaluated{ID: o.Individual.ID}
	ev := &s.told[0]
	var fitness codec.Vector
	if i := failedOf(o.Results); i >= 0 {
		ev.Failed, ev.Replace = true, s.rules.Then == Resample
		s.s.Failures++
		s.s.InARow++
		s.s.Reason = o.Results[i].Reason
	} else {
		fitness = s.rules.Fitness(o.Results)
		ev.Loss = s.loss(fitness)
		for i := range o.Results {
			r := &o.Results[i]
			ev.Outputs = append(ev.Outputs, r.Outputs...)
			ev.Targets = append(ev.Targets, r.Targets...)
		}
		s.s.InARow = 0
	}
	if err := s.optimizer.Tell(s.told[:]); err != nil {
		return err
	}
	s.s.Told++
	s.remember(&o.Individual, fitness)
	if s.rules.Finalists.Fitted && s.Noisy() && s.single() && fitness != nil {
		s.s.Recent.add(&o.Individual, s.rules.Loss(fitness)[0])
	}
	s.follow(&o.Individual, fitness)
	return nil
}

// remember takes an individual in that was told, with its fitness, nil if it failed, if it is among the best, or shows that evaluations are noisy.
func (s *Search) remember(ind *Individual, fitness codec.Vector) {
	st := s.optimizer.Status()
	s.s.FrontCut = s.s.FrontCut || len(st.Front) >= optimizer.MaxFront
	switch {
	case s.rules.Rotate > 0: // the optimizer's best may be of another mini-batch
		s.compare(*ind, fitness, st.Generation)
	case st.Best != nil && st.Best.ID == ind.ID:
		if now := (Best{Individual: *ind, Fitness: fitness, Loss: st.Best.Loss[0]}); !s.ahead(now) {
			s.improve(now, st.Generation)
		} else if s.s.BestAt = st.Generation; s.Noisy() {
			s.elite(now)
		}
	case s.Noisy() && s.single() && fitness != nil:
		s.elite(Best{Individual: *ind, Fitness: fitness, Loss: s.rules.Loss(fitness)[0]})
	}
	if !s.Noisy() && fitness != nil && s.s.Repeats.differs(ind.X, fitness) {
		s.s.Found, s.s.Repeats = true, repeats{}
	}
}

// compare takes an individual of a mini-batch in. One of a later mini-batch than the best so far takes its place, however good it is there.
func (s *Search) compare(ind Individual, fitness codec.Vector, generation int) {
	if fitness == nil || !s.single() {
		return
	}
	now := Best{Individual: ind, Fitness: fitness, Loss: s.rules.Loss(fitness)[0]}
	if math.IsNaN(now.Loss) || math.IsInf(now.Loss, 0) { // to an optimizer it failed
		return
	}
	switch batch := s.rules.Batch(ind); {
	case s.s.Best == nil || batch > s.rules.Batch(s.s.Best.Individual):
		s.s.Best, s.s.BestAt, s.s.Elites = &now, generation, nil
	case batch < s.rules.Batch(s.s.Best.Individual):
	case now.Compare(*s.s.Best) < 0:
		s.improve(now, generation)
	default:
		s.elite(now)
	}
}

// improve takes the best individual so far in.
func (s *Search) improve(now Best, generation int) {
	before := s.s.Best
	s.s.Best, s.s.BestAt = &now, generation
	if before != nil && s.Noisy() {
		s.elite(*before)
	}
}

// elite takes in an individual that is not the best, if it is among the best after it.
func (s *Search) elite(b Best) {
	most := s.rules.Finalists.Count
	at, _ := slices.BinarySearchFunc(s.s.Elites, b, Best.Compare)
	if at < most && !slices.ContainsFunc(s.s.Elites, func(e Best) bool { return slices.Equal(e.Individual.X, b.Individual.X) }) {
		s.s.Elites = slices.Insert(s.s.Elites, at, b)
		s.s.Elites = s.s.Elites[:min(len(s.s.Elites), most)]
	}
}

// Compare is negative where b comes before o: by loss, and of equals by number.
func (b Best) Compare(o Best) int {
	return cmp.Or(cmp.Compare(b.Loss, o.Loss), cmp.Compare(b.Individual.ID, o.Individual.ID))
}

// Judge is the fitness of an individual of which these are all results; nil if it failed.
func (r *Rules) Judge(results []Result) codec.Vector {
	if failedOf(results) >= 0 {
		return nil
	}
	return r.Fitness(results)
}

// Fitness is the fitness of an individual: its results, all of which are OK, combined objective by objective. It is that of the only result, and shares
// its memory, where nothing is to be combined.
func (r *Rules) Fitness(results []Result) codec.Vector {
	if len(results) == 1 && (r.Aggregate == Mean || r.Aggregate == "") && !slices.Contains(results[0].Fitness, 0) { // the mean of −0 is 0
		return results[0].Fitness
	}
	combined := make(codec.Vector, len(r.Objectives))
	var few [8]float64
	values := few[:]
	if len(results) > len(few) {
		values = make([]float64, len(results))
	}
	values = values[:len(results)]
	for k := range r.Objectives {
		objective := &r.Objectives[k]
		for i := range results {
			values[i] = results[i].Fitness[k]
		}
		switch r.Aggregate {
		case Median:
			slices.Sort(values)
			combined[k] = (values[(len(values)-1)/2] + values[len(values)/2]) / 2
		case Worst:
			combined[k] = slices.Max(values)
			if objective.Direction == optimizee.Maximise {
				combined[k] = slices.Min(values)
			}
		default:
			sum := 0.0
			for _, v := range values {
				sum += v
			}
			combined[k] = sum / float64(len(values))
		}
	}
	return combined
}

// Loss is what the optimizer is told of a fitness.
func (r *Rules) Loss(fitness []float64) []float64 {
	if r.Sum {
		return []float64{Loss(fitness, r.Objectives)}
	}
	return Losses(fitness, r.Objectives)
}

// lossInto writes the Loss of a fitness to loss.
func (r *Rules) lossInto(loss, fitness []float64) {
	if r.Sum {
		loss[0] = Loss(fitness, r.Objectives)
		return
	}
	copy(loss, fitness)
	turn(loss, r.Objectives)
}

// turn changes the signs of objectives that are maximised.
func turn(losses []float64, objectives []optimizee.Objective) {
	for k := range objectives {
		if objectives[k].Direction == optimizee.Maximise {
			losses[k] = -losses[k]
		}
	}
}

// Losses turns a fitness into what an optimizer of several objectives minimises: the objectives, each times its sign. Weights say nothing
// there.
func Losses(fitness []float64, objectives []optimizee.Objective) []float64 {
	losses := slices.Clone(fitness)
	turn(losses, objectives)
	return losses
}

// Loss turns a fitness into what an optimizer of one objective minimises: the sum of the objectives, each times its weight and its sign.
func Loss(fitness []float64, objectives []optimizee.Objective) float64 {
	sum := 0.0
	for k := range objectives {
		o := &objectives[k]
		loss := fitness[k]
		if o.Direction == optimizee.Maximise {
			loss = -loss
		}
		sum += cmp.Or(o.Weight, 1) * loss
	}
	return sum
}

// follow adds an individual to its trail.
func (s *Search) follow(ind *Individual, fitness codec.Vector) {
	t, n := s.trail, ind.ID
	if ind.Lane > 0 {
		t, n = s.lane(ind.Lane), ind.Nth
	}
	line := binary.LittleEndian.AppendUint64(s.line[:0], uint64(n))
	line = ind.X.Append(line)
	if fitness == nil {
		line = append(line, "failed"...)
	}
	s.line = fitness.Append(line)
	t.follow(n, s.line)
}

// lane is the trail of a lane.
func (s *Search) lane(number int) *trail {
	t := s.lanes[number]
	if t == nil {
		t = newTrail()
		s.lanes[number] = t
	}
	return t
}

// TrajectoryHash is a hash of every individual told so far and its fitness, in the order of their IDs. It says nothing of times and
// places, so two runs that searched alike have the same. Where there are lanes, it is a hash of theirs: how far each of them has come
// depends on times.
func (s *Search) TrajectoryHash() string {
	if len(s.lanes) == 0 {
		return hex.EncodeToString(s.trail.sum())
	}
	all := sha256.New()
	for _, number := range slices.Sorted(maps.Keys(s.lanes)) {
		all.Write(s.lanes[number].sum())
	}
	return hex.EncodeToString(all.Sum(nil))
}

// Lane says how far a lane has come: two runs of the same search whose numbers for a lane are equal have the same hash there.
type Lane struct {
	Number      int   // from 1 on
	Individuals int64 // told, without one missing before them
	Hash        string
}

// Lanes are the lanes of the search, in their order; none where it has none.
func (s *Search) Lanes() (all []Lane) {
	for _, number := range slices.Sorted(maps.Keys(s.lanes)) {
		t := s.lanes[number]
		all = append(all, Lane{number, t.Next, hex.EncodeToString(t.hash.whole().Sum(nil))})
	}
	return all
}

// Replay takes in a recorded event, checking that it is what the optimizer does, and returns it as it was before it was recorded: an Asked with
// its individuals. It returns ErrDiverged where the event is not what the optimizer does. One that Recalls is told of the individuals instead.
func (s *Search) Replay(e Event) (Event, error) {
	switch e := e.(type) {
	case Begun:
		s.rules.Finalists = e.Rules.Finalists // a run of a version that knew none goes on without
	case WarmStart:
		return e, s.know(e)
	case Asked:
		if o, ok := s.optimizer.(optimizer.Recaller); ok {
			return e, s.recall(o, e)
		}
		asked, err := s.ask(e.Max)
		if err != nil {
			return e, err
		}
		if err := sameIndividuals(e, asked); err != nil {
			return e, fmt.Errorf("%w: %w", ErrDiverged, err)
		}
		return asked, nil
	case Result:
		_, _, err := s.take(&e)
		return e, err
	case Injected:
		return e, s.inject(e)
	case Figures:
		s.s.Figured = max(s.s.Figured, e.Generation)
	case Finals:
		var made Finals
		var ok bool
		if len(e.Finalists) > 0 {
			if !s.follows() || s.s.Best == nil {
				return e, fmt.Errorf("%w: finals are recorded, and none follow", ErrDiverged)
			}
			s.giveUp()
			made, ok = s.beginFinals(e.Budget, e.Count, e.Tests)
		} else if s.finishing() {
			made, ok = s.nextFinals()
		}
		if !ok {
			return e, fmt.Errorf("%w: finals are recorded, and none follow", ErrDiverged)
		}
		if err := sameFinals(e, made); err != nil {
			return e, fmt.Errorf("%w: %w", ErrDiverged, err)
		}
	}
	return e, nil
}

func sameIndividuals(recorded, asked Asked) error {
	if recorded.Digest != nil {
		if recorded.Count != len(asked.Individuals) || !bytes.Equal(recorded.Digest, asked.digested().Digest) {
			return fmt.Errorf("%d individuals are recorded by a digest, which those %d that the optimizer proposes do not have",
				recorded.Count, len(asked.Individuals))
		}
		return nil
	}
	if len(recorded.Individuals) != len(asked.Individuals) {
		return fmt.Errorf("%d individuals were asked, the optimizer proposes %d", len(recorded.Individuals), len(asked.Individuals))
	}
	for i, r := range recorded.Individuals {
		a := asked.Individuals[i]
		if r.ID != a.ID || r.Generation != a.Generation || r.Lane != a.Lane || r.Nth != a.Nth || !bytes.Equal(r.X.Append(nil), a.X.Append(nil)) {
			return fmt.Errorf("individual %d is recorded with other values than the optimizer proposes", r.ID)
		}
	}
	return nil
}

// digested is the event without its individuals, with their number and digest instead.
func (a *Asked) digested() Asked {
	h := sha256.New()
	var line []byte
	for i := range a.Individuals {
		ind := &a.Individuals[i]
		line = binary.LittleEndian.AppendUint64(line[:0], uint64(ind.ID))
		line = binary.LittleEndian.AppendUint64(line, uint64(ind.Generation))
		if ind.Lane > 0 {
			line = binary.LittleEndian.AppendUint64(line, uint64(ind.Lane))
			line = binary.LittleEndian.AppendUint64(line, uint64(ind.Nth))
		}
		h.Write(ind.X.Append(line))
	}
	return Asked{Max: a.Max, Count: len(a.Individuals), Digest: h.Sum(nil)}
}

// figures are the optimizer's, if it has completed a generation since they were told last, while that many evaluations are under way.
func (s *Search) figures(underWay int) (f Figures, ok bool) {
	if underWay > 0 && !s.asynchronous() {
		return f, false
	}
	st := s.Status()
	if st.Generation <= s.s.Figured {
		return f, false
	}
	s.s.Figured = st.Generation
	f = Figures{Generation: st.Generation, Evaluations: s.s.Evaluations}
	for _, figure := range st.Figures {
		f.Names, f.Values = append(f.Names, figure.Name), append(f.Values, figure.Value)
	}
	return f, true
}

// snapshot is a marshalled search.
type snapshot struct {
	Optimizer []byte
	State     searchState
}

// Snapshot marshals the search. It returns optimizer.ErrNoState where the search Recalls.
func (s *Search) Snapshot() ([]byte, error) {
	state, err := s.optimizer.MarshalBinary()
	if err != nil {
		return nil, err
	}
	for _, t := range s.lanes {
		t.pack()
	}
	s.trail.pack()
	s.s.Next, s.s.Held, s.s.Trail, s.s.Lanes = s.trail.Next, s.trail.Held, s.trail.Trail, s.lanes
	s.s.Open = s.opens()
	defer func() { s.s.Open = nil }()
	return codec.Marshal(snapshot{state, s.s})
}

// Restore brings a new search, with the same rules and an equally configured optimizer, to a snapshot.
func (s *Search) Restore(b []byte) error {
	var in snapshot
	if err := codec.Unmarshal(b, &in); err != nil {
		return fmt.Errorf("l2l: not a snapshot: %w", err)
	}
	for id, o := range in.State.Open {
		if o == nil || o.Individual.ID != id || id >= 0 && len(o.Results) != s.PerIndividual() || o.Missing < 1 || o.Missing > len(o.Results) ||
			id < 0 && in.State.Finals.aim(id) == nil {
			return fmt.Errorf("l2l: not a snapshot of this run: individual %d", id)
		}
	}
	if r := in.State.Recent; len(r.Points) != len(r.IDs) || len(r.Losses) != len(r.IDs) {
		return errors.New("l2l: not a snapshot of this run: its last individuals")
	}
	all := &trail{Next: in.State.Next, Held: in.State.Held, Trail: in.State.Trail}
	err := all.unpack()
	for _, t := range in.State.Lanes {
		err = errors.Join(err, t.unpack())
	}
	if err != nil {
		return fmt.Errorf("l2l: not a snapshot: %w", err)
	}
	if err := s.optimizer.UnmarshalBinary(in.Optimizer); err != nil {
		return err
	}
	if in.State.Lanes == nil {
		in.State.Lanes = map[int]*trail{}
	}
	s.s, s.trail, s.lanes, s.open, s.spare = in.State, all, in.State.Lanes, table.Table[open]{}, nil
	for id, o := range in.State.Open {
		s.open.Set(openKey(id), o)
	}
	s.s.Open = nil
	return nil
}

// Problem describes the search to an optimizer. outputs is the number of model outputs of an individual: those of all its evaluations.
func Problem(space optimizee.Space, outputs int) optimizer.Problem {
	p := optimizer.Problem{Outputs: outputs, Encode: space.EncodeCoordinate}
	names := space.Labels()
	for _, q := range space {
		for range max(q.Size, 1) {
			p.Labels = append(p.Labels, optimizer.Label{Name: names[len(p.Labels)], Unit: q.Unit, Log: q.Log, Choices: q.Choices})
		}
	}
	for _, c := range space.Coordinates() {
		kind := optimizer.Continuous
		switch c.Kind {
		case optimizee.Int, optimizee.Bool:
			kind = optimizer.Integer
		case optimizee.Categorical:
			kind = optimizer.Categorical
		}
		p.Coords = append(p.Coords, optimizer.Coordinate{Kind: kind, Lower: c.Lower, Upper: c.Upper, Mean: c.Mean, Std: c.Std})
	}
	return p
}
