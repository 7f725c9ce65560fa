// Package portfolio is a portfolio of optimizers: several searches of other packages take turns, and the evaluations go to the one that earns
// them, or, where there are slots for all, search at the same time. It is for losses of which nothing is known. It does not search itself, and its
// members do not hear of each other.
package portfolio

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/cmaes"
	"github.com/meta-optimization/l2l-mpi/optimizer/de"
	"github.com/meta-optimization/l2l-mpi/optimizer/ga"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
	"github.com/meta-optimization/l2l-mpi/optimizer/nes"
	"github.com/meta-optimization/l2l-mpi/optimizer/pso"
)

// Params configures [Search].
type Params struct {
	Members      []string `yaml:"members" doc:"the optimizers, each with its defaults; one that the problem does not suit is left out" range:"cmaes | xnes | snes | lshade | jade | pso | genetic" auto:"cmaes and lshade"`
	Turns        string   `yaml:"turns" doc:"whether one member has all evaluations for a generation, and then another; or all propose at the same time, each with the same part of the evaluations that can be under way, so that none waits for another's last results" range:"one_by_one | at_once" auto:"at_once where a first generation of every member, twice, can be under way, otherwise one_by_one"`
	LeastShare   float64  `yaml:"least_share" doc:"one_by_one: part of the evaluations that a member has in any case; less than one divided by the number of members" range:"(0, 1)"`
	Learning     string   `yaml:"learning" doc:"at_once: learning of the member cmaes" range:"fast | standard" auto:"fast" before:"standard"`
	LearningRate float64  `yaml:"learning_rate" doc:"one_by_one: weight of a member's last generation in the estimate of how often its generations find a better loss" range:"(0, 1]"`
}

// The values of Turns.
const (
	oneByOne = "one_by_one"
	atOnce   = "at_once"
)

// Defaults returns the defaults of [Params].
func Defaults() Params { return Params{LeastShare: 0.1, LearningRate: 0.1} }

func (p *Params) resolve(problem optimizer.Problem) error {
	if p.Members == nil {
		p.Members = []string{"cmaes", "lshade"}
	}
	n := len(p.Members)
	if n == 0 || p.LeastShare*float64(n) >= 1 {
		return fmt.Errorf("%d members and least_share = %v, want one member or more, and less than 1/%d", n, p.LeastShare, max(n, 1))
	}
	if p.Turns == "" {
		p.Turns = oneByOne
		if together := firstGenerations(problem, p.Members); together > 0 && problem.Parallel >= 2*together {
			p.Turns = atOnce
		}
	}
	p.Learning = cmp.Or(p.Learning, "fast")
	return kit.SingleObjective(problem)
}

// Algorithms describes the algorithms of this package.
func Algorithms() []optimizer.Algorithm {
	return []optimizer.Algorithm{algorithm()}
}

func algorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "portfolio",
		Title: "Portfolio of optimizers that gives the evaluations to the one that earns them",
		Reference: "algorithm portfolios: Gomes and Selman 2001, doi 10.1016/S0004-3702(00)00081-3; probability matching: Goldberg 1990, " +
			"in the form of Thierens 2005, doi 10.1145/1068009.1068251; stride scheduling: Waldspurger and Weihl 1995, MIT/LCS/TM-528",
		When: "where nothing is known of the loss and a poor choice of the optimizer would cost more than sharing the evaluations: it " +
			"finds what cmaes or lshade finds alone, mostly with less than twice the evaluations of the better one, and never more than 1 " +
			"/ least_share times",
		Cost:    "that of its members",
		Earlier: []string{""}, // version 1 had the first one of cmaes
		Parallelism: "with execution.parallel twice the members' populations or more, as many as that says, of all members at the same time; otherwise one " +
			"generation of a member at a time",
	}, Defaults, suited)
}

// memberAlgorithm is the algorithm of a member: one of those for one objective that learn by generations.
func memberAlgorithm(name string) optimizer.Algorithm {
	for _, a := range slices.Concat(cmaes.Algorithms(), nes.Algorithms(), de.Algorithms(), pso.Algorithms(), ga.Algorithms()) {
		if a.Name == name {
			return a
		}
	}
	panic("optimizer: portfolio: a member that the range of Params.Members allows, but that is not known: " + name)
}

// Search runs several optimizers side by side, each on its own, one generation at a time. A generation is a success if it finds a smaller
// loss than any before, of whichever member. The members share the evaluations by how probable their success is: with q the running
// mean of a member's successes (1) and failures (0), its share is
//
//	(q + ε) / Σ (q + ε)
//
// with the ε that gives LeastShare to a member that never succeeds while all others always do. So they share alike as long as none
// of them makes progress. (Thierens' rule, a least share and the rest in proportion to q, would by then divide by nothing.)
type Search struct {
	problem optimizer.Problem
	par     Params
	members []optimizer.Optimizer // like s.Members
	s       state
}

type state struct {
	Gen      kit.Generation     // the present generation of the member whose turn it is
	Src      *kit.Source        // of the members' seeds
	Members  []member           // those that the problem suits
	Turn     int                // whose generation it is
	IDs      []int64            // its own numbers for the generation's individuals
	Restarts optimizer.Restarts // of all members
}

type member struct {
	Name    string
	Success float64 // q
	Told    int64   // results of its individuals
	Pass    float64 // the same, each divided by the share at that time: the smallest is next
	State   []byte  // of the optimizer; set in a marshalled state only
}

// New makes a portfolio of members that take turns, for a problem with one objective: it does not heed Problem.Parallel.
func New(problem optimizer.Problem, par Params, seed uint64) (*Search, error) {
	if par.Turns == atOnce {
		return nil, fmt.Errorf("optimizer: portfolio: turns = %s, want %s (NewParallel takes it)", atOnce, oneByOne)
	}
	problem.Parallel = 0
	par, err := kit.Resolved(algorithm(), par, problem, (*Params).resolve)
	if err != nil {
		return nil, err
	}
	o := &Search{problem: problem, par: par, s: state{Src: kit.NewSource(seed)}}
	var unsuited error
	for _, name := range par.Members {
		switch m, err := o.member(name); {
		case errors.Is(err, optimizer.ErrUnsuited):
			unsuited = err
		case err != nil:
			return nil, err
		default:
			o.members = append(o.members, m)
			o.s.Members = append(o.s.Members, member{Name: name})
		}
	}
	if len(o.members) == 0 {
		return nil, unsuited
	}
	return o, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Search) Params() Params { return o.par }

// member makes an optimizer with a seed of its own.
func (o *Search) member(name string) (optimizer.Optimizer, error) {
	a := memberAlgorithm(name)
	return a.New(o.problem, a.Params(), o.s.Src.Uint64())
}

// shares are the parts of the evaluations that the members are to have; they sum to 1.
func (o *Search) shares() []float64 {
	n := float64(len(o.members))
	shares := make([]float64, len(o.members))
	floor := o.par.LeastShare * max(n-1, 1) / (1 - n*o.par.LeastShare) // ε
	sum := 0.0
	for i, m := range o.s.Members {
		shares[i] = m.Success + floor
		sum += shares[i]
	}
	for i := range shares {
		shares[i] /= sum
	}
	return shares
}

// WarmStart implements WarmStarter. Every member that can be told what is known is; the others have their first turn later.
func (o *Search) WarmStart(known []optimizer.Solution) error {
	if _, err := kit.NewWarm(known, o.problem); err != nil {
		return err
	}
	for i, m := range o.members {
		w, ok := m.(optimizer.WarmStarter)
		if !ok {
			o.s.Members[i].Pass = 1
		} else if err := w.WarmStart(known); err != nil {
			return err
		}
	}
	return nil
}

// Ask implements Optimizer.
func (o *Search) Ask(max int) ([]optimizer.Candidate, error) {
	if o.s.Gen.Idle() {
		if err := o.begin(); err != nil {
			return nil, err
		}
	}
	return o.s.Gen.Ask(max), nil
}

// begin takes all that the next member proposes. A member that has ended its search begins another one.
func (o *Search) begin() error {
	s := &o.s
	s.Turn = 0
	for i, m := range s.Members {
		if m.Pass < s.Members[s.Turn].Pass {
			s.Turn = i
		}
	}
	proposed, err := o.members[s.Turn].Ask(0)
	if err == nil && len(proposed) == 0 {
		ended := o.members[s.Turn].Status().Stop
		if o.members[s.Turn], err = o.member(s.Members[s.Turn].Name); err == nil {
			proposed, err = o.members[s.Turn].Ask(0)
			s.restarted(s.Members[s.Turn].Name, optimizer.Restart{Reason: ended, PopSize: len(proposed)})
		}
	}
	if err != nil {
		return fmt.Errorf("optimizer: portfolio: %s: %w", s.Members[s.Turn].Name, err)
	}
	xs := make([][]float64, len(proposed))
	s.IDs = make([]int64, len(proposed))
	for i, c := range proposed {
		xs[i], s.IDs[i] = c.X, c.ID
	}
	s.Gen.Begin(xs)
	return nil
}

// restarted notes a restart of a member.
func (s *state) restarted(name string, r optimizer.Restart) {
	r.Told, r.Reason = s.Gen.Told, r.Reason+", of "+name
	s.Restarts.Add(r)
}

// Tell implements Optimizer.
func (o *Search) Tell(results []optimizer.Evaluated) error {
	// A failed individual that is to be replaced is so by the member whose it is, in its next turn.
	complete, err := o.s.Gen.Tell(results, o.problem, nil)
	if !complete {
		return err
	}
	s := &o.s
	told := make([]optimizer.Evaluated, len(s.Gen.Members))
	for i, m := range s.Gen.Members {
		told[i] = optimizer.Evaluated{ID: s.IDs[i], Loss: m.Loss, Outputs: m.Outputs, Targets: m.Targets, Failed: m.Failed, Replace: m.Replace}
	}
	m := &s.Members[s.Turn]
	before := o.members[s.Turn].Status().Restarts.Count
	if err := o.members[s.Turn].Tell(told); err != nil {
		return fmt.Errorf("optimizer: portfolio: %s: %w", m.Name, err)
	}
	for _, r := range o.members[s.Turn].Status().Restarts.Since(before) {
		s.restarted(m.Name, r)
	}
	m.Told += int64(len(told))
	m.Pass += float64(len(told)) / o.shares()[s.Turn]
	success := 0.0
	if best := s.Gen.Best; best != nil && best.ID >= s.Gen.Members[0].ID {
		success = 1
	}
	m.Success += o.par.LearningRate * (success - m.Success)
	s.Gen.End()
	s.IDs = nil
	return nil
}

// Recommend implements Recommender: it is what its members recommend, that member's first which has found the best loss. The best point told of all
// members is in Status.Best.
func (o *Search) Recommend() (points [][]float64) {
	standing := func(m optimizer.Optimizer) optimizer.Standing {
		if b := m.Status().Best; b != nil {
			return b.Standing()
		}
		return optimizer.Standing{Failed: true}
	}
	members := slices.SortedStableFunc(slices.Values(o.members), func(a, b optimizer.Optimizer) int { return standing(a).Compare(standing(b)) })
	for _, m := range members {
		if r, ok := m.(optimizer.Recommender); ok {
			points = append(points, r.Recommend()...)
		}
	}
	return points
}

// Status implements Optimizer. The figures are the evaluations that each member has had, and its share of those to come. Restarts are those of
// all members.
func (o *Search) Status() optimizer.Status {
	st := o.s.Gen.Status()
	st.Restarts = o.s.Restarts
	for i, share := range o.shares() {
		m := o.s.Members[i]
		st.Figures = append(st.Figures, optimizer.Figure{Name: m.Name + "_evaluations", Value: float64(m.Told)},
			optimizer.Figure{Name: m.Name + "_share", Value: share})
	}
	return st
}

// MarshalBinary implements Optimizer.
func (o *Search) MarshalBinary() ([]byte, error) {
	s := o.s
	s.Members = slices.Clone(s.Members)
	for i, m := range o.members {
		var err error
		if s.Members[i].State, err = m.MarshalBinary(); err != nil {
			return nil, err
		}
	}
	return kit.EncodeState(algorithm(), 1, o.problem, s)
}

// UnmarshalBinary implements Optimizer.
func (o *Search) UnmarshalBinary(b []byte) error {
	var s state
	if err := kit.DecodeState(algorithm(), 1, o.problem, b, &s); err != nil {
		return err
	}
	if len(s.Members) != len(o.members) || s.Turn < 0 || s.Turn >= len(s.Members) || len(s.IDs) != len(s.Gen.Members) || s.Src == nil {
		return fmt.Errorf("%w: it is of another portfolio", optimizer.ErrState)
	}
	members := make([]optimizer.Optimizer, len(s.Members))
	for i := range s.Members {
		m := &s.Members[i]
		if m.Name != o.s.Members[i].Name {
			return fmt.Errorf("%w: it is of a portfolio with %s", optimizer.ErrState, m.Name)
		}
		a := memberAlgorithm(m.Name)
		var err error
		if members[i], err = a.New(o.problem, a.Params(), 0); err != nil {
			return err
		}
		if err := members[i].UnmarshalBinary(m.State); err != nil {
			return err
		}
		m.State = nil
	}
	o.members, o.s = members, s
	return nil
}
