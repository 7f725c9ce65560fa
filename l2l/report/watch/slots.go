package watch

import (
	"cmp"
	"maps"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// slot is a place where evaluations run.
type slot struct{ rank, slot int }

// work is what a slot has done in this session.
type work struct {
	done, failed int64
	seconds      float64
	last         l2l.Result
}

// worked takes in an evaluation that has ended.
func (m *Model) worked(r l2l.Result) {
	key := slot{r.Rank, r.Slot}
	w := m.slots[key]
	if w == nil {
		w = &work{}
		m.slots[key] = w
		m.most[r.Rank] = max(m.most[r.Rank], r.Slot+1)
	}
	w.done++
	if r.Ending != l2l.OK {
		w.failed++
	}
	w.seconds += r.Seconds
	w.last = l2l.Result{Individual: r.Individual, Ending: r.Ending, Seconds: r.Seconds, At: r.At}
	m.seconds += r.Seconds
	at := m.since(r.At)
	m.busy.spread(at-r.Seconds, at, r.Seconds)
}

// busyNow is how busy the slots were, with what is known to be under way: of many evaluations rank 0 tells of the first that began, which stand for all.
func (m *Model) busyNow(elapsed float64) (course series, seconds float64) {
	course, seconds = *m.busy, m.seconds
	course.cells = slices.Clone(course.cells)
	if m.live == nil {
		return course, seconds
	}
	for _, u := range m.live.Longest {
		took := min(u.Seconds+max(m.now.Sub(m.written), 0).Seconds(), elapsed)
		all := took * float64(m.live.UnderWay) / float64(m.listed)
		course.spread(elapsed-took, elapsed, all)
		seconds += all
	}
	return course, seconds
}

// ranks are those that evaluate, with the number of their slots as far as that is known: by rank 0, or from what has ended.
func (m *Model) ranks() (ranks []int, slots map[int]int) {
	slots = maps.Clone(m.most)
	hosts := len(m.course.Begun.Hosts)
	for rank := range hosts {
		if rank > 0 || hosts == 1 {
			slots[rank] = max(slots[rank], 1)
		}
	}
	if m.live != nil {
		for rank, n := range m.live.Slots {
			if rank > 0 || len(m.live.Slots) == 1 {
				slots[rank] = max(slots[rank], n)
			}
		}
	}
	return slices.Sorted(maps.Keys(slots)), slots
}

// total is the work of a rank's slots together.
func (m *Model) total(rank, slots int) (sum work) {
	for k := range slots {
		if w := m.slots[slot{rank, k}]; w != nil {
			sum.done, sum.failed, sum.seconds = sum.done+w.done, sum.failed+w.failed, sum.seconds+w.seconds
			if cmp.Compare(w.last.At, sum.last.At) > 0 {
				sum.last = w.last
			}
		}
	}
	return sum
}
