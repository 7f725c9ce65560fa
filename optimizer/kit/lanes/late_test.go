package lanes

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// lateOn is the number of results, of the last ones, that come in a turn too late, on slots that have each another evaluation when one ends. Times are
// between 1 and spread, but for those of one slot in a hundred.
func lateOn(slots int, spread, hundredth float64) (late int) {
	type evaluation struct {
		id   int64
		ends float64
	}
	var t turns
	var under []evaluation
	rng := rand.New(rand.NewPCG(1, 2))
	next, now := int64(0), 0.0
	for told := range 20 * slots {
		for len(under) < slots {
			time := 1 + rng.Float64()*(spread-1)
			if next%100 == 0 {
				time *= hundredth
			}
			under = append(under, evaluation{next, now + time})
			next++
		}
		at := 0
		for i := range under {
			if under[i].ends < under[at].ends {
				at = i
			}
		}
		e := under[at]
		under, now = slices.Delete(under, at, at+1), e.ends
		t.tell(e.id, next)
		if told >= 10*slots && t.overtaken(e.id) {
			late++
		}
	}
	return late
}

func TestNothingIsLateWhereEvaluationsTakeAboutEquallyLong(t *testing.T) {
	for _, slots := range []int{1, 20, 200} {
		for _, spread := range []float64{1, 1.05, 1.3} {
			if n := lateOn(slots, spread, 1); n > 0 {
				t.Errorf("%d slots, times of 1 to %v: %d of %d are late", slots, spread, n, 10*slots)
			}
		}
	}
}

func TestLateIsWhatTakesLongerThanTwoOthersOneAfterTheOther(t *testing.T) {
	const slots = 200
	if n := lateOn(slots, 1.3, 5); n < 15 || n > 25 {
		t.Errorf("one in a hundred takes 5 times as long: %d of %d are late, want about 20", n, 10*slots)
	}
	if n := lateOn(slots, 10, 1); n < slots {
		t.Errorf("times of 1 to 10: %d of %d are late", n, 10*slots)
	}
}
