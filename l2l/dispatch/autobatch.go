package dispatch

import (
	"math"
	"slices"
)

// AutoBatch is the Batch of a Policy, and of Options, that has the number of evaluations of a call follow from how long calls take. It is for optimizees
// that evaluate several together.
//
// The first calls have even shares of what waits, one for each slot, and the next ones half of that. Of two sizes it is known what part of a call's time is
// its own, however many evaluations it has, and what part is theirs: then calls are so large that their own part is callsOwn of their time. A model
// whose calls take the same time for 1 and for 64, as on a GPU, gets shares again; one that gains nothing from larger calls gets small ones, which are
// spread more evenly where evaluations differ in time. A call never has more than a slot's share of what waits, so that no slot is without work.
const AutoBatch = -1

// callsOwn is the part of a call's time that may be its own.
const callsOwn = 0.05

// callTimes knows how long calls take.
type callTimes struct {
	seen []callTime // by size, at most mostSizes
}

// callTime is how long calls of one size take.
type callTime struct {
	size    int
	seconds float64 // a running mean
	n       int     // calls that it is made of, up to longMemory
}

// mostSizes is the number of sizes that are known: the one that was seen least recently makes room for another.
const mostSizes = 8

// took takes in how long a call of so many evaluations took.
func (c *callTimes) took(size int, seconds float64) {
	at := slices.IndexFunc(c.seen, func(t callTime) bool { return t.size == size })
	t := callTime{size: size}
	if at >= 0 {
		t = c.seen[at]
		c.seen = slices.Delete(c.seen, at, at+1)
	} else if len(c.seen) == mostSizes {
		c.seen = slices.Delete(c.seen, 0, 1)
	}
	t.n = min(t.n+1, longMemory)
	t.seconds += (seconds - t.seconds) / float64(t.n)
	c.seen = append(c.seen, t)
}

// size is how many evaluations a call is to have where a slot's share is so many, at least 1.
func (c *callTimes) size(share int) int {
	most := max(share, 1)
	switch len(c.seen) {
	case 0:
		return most
	case 1:
		return up(min(most, c.seen[0].size), 2)
	}
	own, each := c.fit()
	want := float64(most)
	if each > 0 {
		want = math.Ceil(own / each * (1 - callsOwn) / callsOwn)
	}
	n := int(min(max(want, 1), float64(most)))
	return up(most, up(most, n)) // as many calls, of even sizes
}

// fit is the time of a call that is its own, and that of each evaluation in it, in seconds, by least squares over the sizes.
func (c *callTimes) fit() (own, each float64) {
	var n, seconds float64 // means
	for _, t := range c.seen {
		n += float64(t.size) / float64(len(c.seen))
		seconds += t.seconds / float64(len(c.seen))
	}
	var square, product float64
	for _, t := range c.seen {
		square += (float64(t.size) - n) * (float64(t.size) - n)
		product += (float64(t.size) - n) * (t.seconds - seconds)
	}
	each = product / square // the sizes differ
	return seconds - each*n, each
}
