package dispatch

import "math/bits"

// ranks are the ranks of a run with what each of them holds, such that the one with the least work per slot is known at any time. A change
// of one rank costs as many comparisons as the number of ranks has bits.
type ranks struct {
	load []load // by rank

	// winners is a tournament among the ranks, a binary tree: node i has the nodes 2i and 2i+1 below it, and holds the lighter of their
	// two ranks, of equals the quicker, and of those the first; node 1 holds the lightest of all. The lower half of the slice are the ranks themselves, in order.
	winners []int32

	free  int // slots of all ranks that have no call
	quick int // slots of all ranks that are not very slow
}

// load is what a rank has to do.
type load struct {
	slots int // 0: it gets nothing
	held  int // calls that it has been given and has not answered
	slow  int // how slow it is: 0 for one that is not, and one more for every doubling
}

// idle is the number of slots that have no call.
func (l load) idle() int { return max(l.slots-l.held, 0) }

// quick is the number of slots, if they are not very slow.
func (l load) quick() int {
	if l.slow >= verySlow {
		return 0
	}
	return l.slots
}

// nobody stands in a tournament for ranks that get nothing.
const nobody = -1

func newRanks(slots []int) ranks {
	leaves := 1 << bits.Len(uint(len(slots)-1))
	r := ranks{load: make([]load, len(slots)), winners: make([]int32, 2*leaves)}
	for i := range leaves {
		r.winners[leaves+i] = nobody
		if i < len(slots) && slots[i] > 0 {
			r.load[i].slots = slots[i]
			r.free += slots[i]
			r.quick += slots[i]
			r.winners[leaves+i] = int32(i)
		}
	}
	for node := leaves - 1; node > 0; node-- {
		r.play(node)
	}
	return r
}

// lightest is the rank with the least work per slot, of equals the quicker, and of those the first; nobody if all ranks get nothing.
func (r *ranks) lightest() int { return int(r.winners[1]) }

// add takes into account that a rank holds n calls more.
func (r *ranks) add(rank, n int) {
	r.free -= r.load[rank].idle()
	r.load[rank].held += n
	r.free += r.load[rank].idle()
	r.replay(rank)
}

// set has a rank, which holds nothing then, have that many slots; with none it gets nothing any more.
func (r *ranks) set(rank, slots int) {
	r.free += slots - r.load[rank].idle()
	r.quick += slots - r.load[rank].quick()
	r.load[rank] = load{slots: slots}
	leaf := &r.winners[len(r.winners)/2+rank]
	if *leaf = nobody; slots > 0 {
		*leaf = int32(rank)
	}
	r.replay(rank)
}

// slow has a rank be so slow.
func (r *ranks) slow(rank, slow int) {
	if r.load[rank].slow != slow {
		r.quick -= r.load[rank].quick()
		r.load[rank].slow = slow
		r.quick += r.load[rank].quick()
		r.replay(rank)
	}
}

// replay repeats the games of a rank whose load has changed.
func (r *ranks) replay(rank int) {
	for node := (len(r.winners)/2 + rank) / 2; node > 0; node /= 2 {
		if before, now := r.play(node); before == now && int(now) != rank {
			return // the rank came no further before, nor does it now
		}
	}
}

// play makes the winner of a node, and returns it with the one before.
func (r *ranks) play(node int) (before, now int32) {
	before, now = r.winners[node], r.winners[2*node]
	if other := r.winners[2*node+1]; other != nobody && (now == nobody || lighter(r.load[other], r.load[now])) {
		now = other
	}
	r.winners[node] = now
	return before, now
}

// lighter reports whether a has less work per slot than b, or as much and is quicker.
func lighter(a, b load) bool {
	x, y := a.held*b.slots, b.held*a.slots
	return x < y || x == y && a.slow < b.slow
}
