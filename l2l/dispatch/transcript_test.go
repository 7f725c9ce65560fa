package dispatch

import (
	"os"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

func TestTranscriptHoldsTheNewestLinesOfBothStreams(t *testing.T) {
	path := t.TempDir() + "/rank-0-slot-0.log"
	held := func(path string) string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	const limit = 4000
	l := NewTranscript(path, limit)
	done := make(chan bool)
	l.Begin([]l2l.Evaluation{{Individual: 1, Seed: 9}, {Individual: 2}})
	write := func(w interface{ Write([]byte) (int, error) }, word string) {
		for range 500 {
			for part := range strings.SplitSeq(word+"|of one|line\n", "|") {
				_, _ = w.Write([]byte(part))
			}
		}
		done <- true
	}
	go write(l.Stdout(), "stdout ")
	go write(l.Stderr(), "stderr ")
	<-done
	<-done
	l.Begin([]l2l.Evaluation{{Individual: 77, Instance: 1, Replicate: 2, Attempt: 3, Seed: 4}}) // prints nothing
	l.Begin([]l2l.Evaluation{{Individual: 78}})
	_, _ = l.Stdout().Write([]byte("no end"))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, _ = l.Stdout().Write([]byte("too late\n"))
	now, before := held(path), held(path+".1")
	if len(now)+len(before) > limit+200 || len(before) < limit/2-200 {
		t.Errorf("%d and %d bytes are kept, want at most %d", len(now), len(before), limit)
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(before+now, "\n"), "\n") {
		if line != "stdout of oneline" && line != "stderr of oneline" && line != "no end" && !strings.HasPrefix(line, "=== ") {
			t.Errorf("a line is %q", line)
		}
	}
	if !strings.Contains(before, "  individual 1, instance 0, replicate 0, attempt 0, seed 9, and 1 more\n") || strings.Contains(now, "individual 77") ||
		!strings.HasSuffix(now, "  individual 78, instance 0, replicate 0, attempt 0, seed 0\nno end\n") {
		t.Errorf("it holds %s, and before %s", now, before)
	}
	again := NewTranscript(path, limit) // of a session that resumes
	_, _ = again.Stderr().Write([]byte("more\n"))
	if err := again.Close(); err != nil || !strings.HasPrefix(held(path), now) || !strings.HasSuffix(held(path), "\nmore\n") {
		t.Errorf("%v, then it holds %s", err, held(path))
	}
	nowhere := NewTranscript("/nowhere/x.log", limit)
	if n, err := nowhere.Stdout().Write([]byte("lost\n")); n != 5 || err != nil {
		t.Errorf("where it cannot be written: %d, %v", n, err)
	}
}
