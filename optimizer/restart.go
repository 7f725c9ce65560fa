package optimizer

// Restarts are a search's restarts: how often it has begun again, and why. The zero Restarts are none.
type Restarts struct {
	Count int       // all
	Last  []Restart // the last ones, up to MaxRestarts, the earliest first
}

// Restart is that a search, or one that is part of it, has ended a run and begun the next one elsewhere.
type Restart struct {
	Told    int64  // results that the search had been told by then
	Reason  string // why the run before has ended: the rule's name, and behind a colon, where there is more to say, what held
	PopSize int    // population of the next run
}

// MaxRestarts is how many restarts are remembered. A search that does nothing but begin again must not grow without end.
const MaxRestarts = 20

// Add appends a restart.
func (r *Restarts) Add(next Restart) {
	r.Count++
	last := r.Last[max(0, len(r.Last)-MaxRestarts+1):]
	r.Last = append(last[:len(last):len(last)], next) // a copy, as others may hold the list
}

// Since returns the restarts that r has and an earlier state of it, of which the count is known, had not, as far as they are remembered.
func (r Restarts) Since(count int) []Restart {
	return r.Last[max(0, len(r.Last)-max(0, r.Count-count)):]
}
