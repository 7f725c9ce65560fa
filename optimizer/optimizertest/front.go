package optimizertest

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// front checks Status.Front: told individuals that did not fail, in the order of their IDs, of which none is dominated by another, nor, as
// long as there are so few, by any other told; and nothing for a single objective.
func (s suite) front(t *testing.T) {
	o := s.new(t, 17)
	losses, points := map[int64][]float64{}, map[int64][]float64{}
	for len(points) < budget {
		var evs []optimizer.Evaluated
		for _, c := range ask(t, o, 0) {
			ev := s.evaluate(c)
			switch ev.Failed = c.ID%4 == 2; {
			case c.ID%11 == 7:
				ev.Loss[len(ev.Loss)-1] = math.Inf(-1) // counts as failed, however small
			case !ev.Failed:
				losses[c.ID] = ev.Loss
			}
			points[c.ID] = slices.Clone(c.X)
			evs = append(evs, ev)
		}
		if len(evs) == 0 {
			break // the search has ended
		}
		slices.Reverse(evs)
		tell(t, o, evs)
	}
	front := o.Status().Front
	if s.NumObjectives() == 1 {
		if len(front) > 0 {
			t.Errorf("the front of a single objective has %d members", len(front))
		}
		return
	}
	if len(front) == 0 {
		t.Error("some individuals succeeded, but the front is empty")
	}
	last := int64(-1)
	for _, f := range front {
		loss, ok := losses[f.ID]
		if !ok || !slices.Equal(f.Loss, loss) || !slices.Equal(f.X, points[f.ID]) {
			t.Fatalf("individual %d of the front, with %v: it was told %v (succeeded: %v)", f.ID, f.Loss, loss, ok)
		}
		if f.ID <= last {
			t.Fatalf("individual %d of the front comes after %d", f.ID, last)
		}
		last = f.ID
		for id, l := range losses {
			if optimizer.Dominates(l, f.Loss) {
				t.Fatalf("individual %d of the front has %v, individual %d %v", f.ID, f.Loss, id, l)
			}
		}
	}
}

// warm starts the optimizer, if it can be, with points and solutions, among them one outside the box.
func (s suite) warm(t *testing.T) {
	begin := func(known []optimizer.Solution) (optimizer.WarmStarter, error) {
		o, ok := s.new(t, 18).(optimizer.WarmStarter)
		if !ok {
			return nil, nil
		}
		return o, o.WarmStart(known)
	}
	point := s.Draw(rand.New(rand.NewPCG(19, 19)))
	outside := slices.Clone(point)
	outside[0] = math.MaxFloat64
	known := []optimizer.Solution{{X: outside, Loss: s.evaluate(optimizer.Candidate{X: point}).Loss}, {X: point}}
	o, err := begin(known)
	if o == nil {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if st := o.Status(); st.Told != 0 || st.Best != nil || len(st.Front) > 0 {
		t.Errorf("what is known counts as told: %+v", st)
	}
	again := s.new(t, 99)
	if err := again.UnmarshalBinary(state(t, o)); err != nil {
		t.Fatal(err)
	}
	first := ask(t, o, 1)
	if len(first) != 1 || !slices.Equal(first[0].X, point) {
		t.Errorf("the first individual is %v, want the point without a loss, %v", first, point)
	}
	if err := same(first, ask(t, again, 1)); err != nil {
		t.Errorf("restored after a warm start: %v", err)
	}
	tell(t, o, []optimizer.Evaluated{s.evaluate(first[0])})
	for _, c := range s.run(t, o, 100, s.evaluate) {
		s.check(t, c)
	}
	if _, err := begin([]optimizer.Solution{{X: point[1:]}}); err == nil {
		t.Error("a point with a coordinate too few is taken")
	}
	if _, err := begin([]optimizer.Solution{{X: point, Loss: make([]float64, s.NumObjectives()+1)}}); err == nil {
		t.Error("a solution with a loss too many is taken")
	}
}
