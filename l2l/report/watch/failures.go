package watch

import (
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// The most that is remembered of failures.
const (
	maxKinds  = 100
	maxRecent = 200
)

// failures are the evaluations that failed.
type failures struct {
	count  int64
	kinds  []*kind // the first that was seen first
	recent []failure
}

// kind is failures that ended alike, for reasons that differ at most in their numbers.
type kind struct {
	key    string
	ending l2l.Ending
	reason string // of the last
	count  int64
}

// failure is one of them.
type failure struct {
	l2l.Result
	again bool // it is tried again
}

func (f *failures) take(e report.Evaluation) {
	if e.Ending == l2l.OK {
		return
	}
	f.count++
	r := e.Result
	key := r.Kind()
	r.Reason = clean(l2l.Headline(r.Reason))
	r.Fitness, r.Outputs, r.Targets, r.Measurements, r.Violations = nil, nil, nil, nil, nil
	at := slices.IndexFunc(f.kinds, func(k *kind) bool { return k.key == key })
	if at < 0 && len(f.kinds) == maxKinds {
		at = maxKinds - 1
		f.kinds[at].reason = "one of many other reasons"
	} else if at < 0 {
		at = len(f.kinds)
		f.kinds = append(f.kinds, &kind{key: key})
	}
	k := f.kinds[at]
	k.ending, k.count = r.Ending, k.count+1
	if k.count == 1 || k.key == key {
		k.reason = r.Reason
	}
	if len(f.recent) == maxRecent {
		f.recent = slices.Delete(f.recent, 0, 1)
	}
	f.recent = append(f.recent, failure{r, !e.Final})
}

// frequent are the kinds, the most frequent first.
func (f *failures) frequent() []*kind {
	all := slices.Clone(f.kinds)
	slices.SortStableFunc(all, func(a, b *kind) int { return int(min(max(b.count-a.count, -1), 1)) })
	return all
}
