package optimizer

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// randomLosses are n losses of m objectives from few values, so that many are equal in some objectives or all.
func randomLosses(rng *rand.Rand, n, m, values int) [][]float64 {
	losses := make([][]float64, n)
	for i := range losses {
		for range m {
			losses[i] = append(losses[i], float64(rng.IntN(values)))
		}
	}
	return losses
}

func TestFrontsAreThoseOfTheDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for trial := range 300 {
		losses := randomLosses(rng, 1+rng.IntN(40), 1+rng.IntN(5), 2+trial%20)
		var want [][]int
		left := make([]int, len(losses))
		for i := range left {
			left[i] = i
		}
		for len(left) > 0 { // peel off those that nobody left dominates
			var front, rest []int
			for _, i := range left {
				if slices.ContainsFunc(left, func(j int) bool { return Dominates(losses[j], losses[i]) }) {
					rest = append(rest, i)
				} else {
					front = append(front, i)
				}
			}
			want, left = append(want, front), rest
		}
		if got := Fronts(losses); !reflect.DeepEqual(got, want) {
			t.Fatalf("%v: fronts %v, want %v", losses, got, want)
		}
	}
}

func TestFrontDoesNotDependOnTheOrderInWhichItIsTold(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 100 {
		losses := randomLosses(rng, 60, 2+rng.IntN(3), 12)
		var want Front
		for trial := range 3 {
			var f Front
			for _, i := range rng.Perm(len(losses)) {
				f.Add(Solution{ID: int64(i), Loss: losses[i]})
			}
			if trial == 0 {
				want = f
			} else if !reflect.DeepEqual(f, want) {
				t.Fatalf("fronts %v and %v of the same losses", f, want)
			}
		}
	}
}

func TestFrontThatIsLongIsCutToSpreadSolutionsWithItsEnds(t *testing.T) {
	var f Front
	const n = 3 * MaxFront
	for i := range n { // one in three of them in the first tenth
		x := float64(i) / n
		if i%3 == 0 {
			x /= 10
		}
		f.Add(Solution{ID: int64(i), Loss: []float64{x, 1e9 * (1 - x)}})
	}
	f.Prune(n)
	if len(f) <= MaxFront {
		t.Fatalf("%d of %d members are left below the limit", len(f), n)
	}
	f.Prune(MaxFront)
	if len(f) != MaxFront {
		t.Fatalf("%d members, want %d", len(f), MaxFront)
	}
	if !slices.IsSortedFunc(f, func(a, b Solution) int { return int(a.ID - b.ID) }) {
		t.Error("the members are not in the order of their IDs")
	}
	x := make([]float64, len(f))
	for i, s := range f {
		x[i] = s.Loss[0]
	}
	slices.Sort(x)
	if x[0] != 0 || x[len(x)-1] != float64(n-1)/n {
		t.Errorf("the ends are at %v and %v", x[0], x[len(x)-1])
	}
	for i := range len(x) - 1 { // no gap is more than twice what even spacing would give
		if gap := x[i+1] - x[i]; gap > 2.0/MaxFront {
			t.Errorf("a gap of %v at %v", gap, x[i])
		}
	}
}

func TestSpreadTakesTheEndsAndThenTheMiddle(t *testing.T) {
	var line []Solution
	for i := range 9 {
		line = append(line, Solution{ID: int64(i), Loss: []float64{float64(i), float64(8 - i)}})
	}
	for n, want := range map[int][]int64{1: {0}, 2: {0, 8}, 3: {0, 4, 8}, 5: {0, 2, 4, 6, 8}, 9: {0, 1, 2, 3, 4, 5, 6, 7, 8},
		20: {0, 1, 2, 3, 4, 5, 6, 7, 8}} {
		var got []int64
		for _, s := range Spread(line, n) {
			got = append(got, s.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d of them: %v, want %v", n, got, want)
		}
	}
}
