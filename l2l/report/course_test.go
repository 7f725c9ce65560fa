package report_test

import (
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// What a course makes of the events is what the run said of itself at its end, without an optimizer.
func TestCourseIsThatOfTheRun(t *testing.T) {
	for name, text := range map[string]string{"one objective": search, "digests": search + "output: {record: digest}\n"} {
		dir, _ := begin(t, text)
		result, err := report.ReadResult(dir)
		if err != nil {
			t.Fatal(err)
		}
		c := report.NewCourse()
		told := 0
		for e, err := range journal.Read(dir, 0) {
			if err != nil {
				t.Fatal(err)
			}
			s, err := c.Take(e.Event)
			if err != nil {
				t.Fatal(err)
			}
			if s.Told != nil {
				told++
			}
		}
		best := c.Best()
		if c.Evaluations != result.Evaluations || c.Individuals != result.Individuals || c.Failures != result.Failures || c.Generation != result.Generations ||
			int64(told) != result.Individuals || c.Sessions != 1 || best == nil || best.ID != result.Best.Individual {
			t.Errorf("%s: %+v, want %+v", name, c, result)
		}
		s, err := report.ReadStatus(dir)
		if err != nil || s.State != report.Finished || s.Individuals != result.Individuals || s.Best["error"] != result.Best.Fitness["error"] || s.Done != 1 || s.Left != 0 {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

func TestWhatIsLeftIsEstimatedByTheRateOfTheSession(t *testing.T) {
	minute := time.Minute
	for what, c := range map[string]struct {
		elapsed time.Duration
		limits  []report.Limit
		done    float64
		left    time.Duration
	}{
		"no limit":                             {minute, []report.Limit{{Now: 5}}, 0, 0},
		"a quarter":                            {minute, []report.Limit{{Now: 25, Whole: 100}}, 0.25, 3 * minute},
		"resumed":                              {minute, []report.Limit{{Before: 50, Now: 60, Whole: 100}}, 0.6, 4 * minute},
		"resumed, and nothing has ended since": {minute, []report.Limit{{Before: 50, Now: 50, Whole: 100}}, 0.5, 0},
		"what ends first":                      {minute, []report.Limit{{Now: 10, Whole: 100}, {Now: 30, Whole: 40}, {Now: 60, Whole: 3600}}, 0.75, 20 * time.Second},
		"over":                                 {minute, []report.Limit{{Now: 100, Whole: 100}}, 1, 0},
		"beyond":                               {minute, []report.Limit{{Now: 120, Whole: 100}}, 1, 0},
		"nothing yet":                          {0, []report.Limit{{Whole: 100}}, 0, 0},
		"in a moment":                          {minute, []report.Limit{{Now: 9999, Whole: 10000}}, 0.9999, time.Second},
	} {
		var p report.Progress
		p.Estimate(c.elapsed, c.limits...)
		if p.Done != c.done || p.Left != c.left {
			t.Errorf("%s: %v and %v, want %v and %v", what, p.Done, p.Left, c.done, c.left)
		}
	}
}

func TestTimesAreToldInUnitsThatPeopleRead(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1400 * time.Millisecond: "1s", 90 * time.Minute: "1h30m0s", 49*time.Hour + 20*time.Minute: "2d1h", 24 * time.Hour: "1d0h",
	} {
		if got := report.DurationText(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
