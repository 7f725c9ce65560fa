package optimizer

import "testing"

func TestRestartsAreCountedAndTheLastOnesKept(t *testing.T) {
	var r Restarts
	for i := range int64(50) {
		before := r
		r.Add(Restart{Told: i, Reason: "some", PopSize: 4})
		if before.Count != int(i) || len(before.Last) > 0 && before.Last[len(before.Last)-1].Told != i-1 {
			t.Fatalf("what was read before has changed: %+v", before)
		}
		if now := r.Since(before.Count); len(now) != 1 || now[0].Told != i {
			t.Fatalf("since %d there are %v", before.Count, now)
		}
	}
	if r.Count != 50 || len(r.Last) != MaxRestarts || r.Last[0].Told != 50-MaxRestarts {
		t.Errorf("%+v", r)
	}
	if got := r.Since(10); len(got) != MaxRestarts {
		t.Errorf("of 40 restarts %d are remembered, want %d", len(got), MaxRestarts)
	}
	if got := r.Since(50); len(got) != 0 {
		t.Errorf("%v since the last", got)
	}
}
