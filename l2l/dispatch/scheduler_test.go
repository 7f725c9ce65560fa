package dispatch

import (
	"cmp"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata")

func TestSchedulerPlaysItsScenarios(t *testing.T) {
	const path = "testdata/schedule.txt"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var play player
	var out strings.Builder
	for i, block := range strings.Split(strings.TrimRight(string(text), "\n"), "\n\n") {
		if i > 0 {
			out.WriteString("\n\n")
		}
		commands, want, ok := strings.Cut(block, "\n----")
		if !ok { // the introduction
			out.WriteString(block)
			continue
		}
		var answers []string
		for _, line := range strings.Split(commands, "\n") {
			if line != "" && !strings.HasPrefix(line, "#") {
				if a, say := play.command(t, line); say {
					answers = append(answers, a)
				}
			}
		}
		got := "\n" + strings.Join(answers, "\n")
		if !*update && strings.TrimRight(got, "\n") != strings.TrimRight(want, "\n") {
			t.Errorf("%s\ngot:%s\n\nwant:%s", commands, got, want)
		}
		out.WriteString(commands + "\n----" + strings.TrimRight(got, "\n"))
	}
	if *update {
		if err := os.WriteFile(path, []byte(out.String()+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// answers has a rank answer with one result, and reports whether it counts.
func (s *scheduler) answers(rank int, r l2l.Result) bool {
	return len(s.results(rank, []l2l.Result{r})) > 0
}

// player carries out the commands of a scenario.
type player struct {
	*scheduler
	next int64
}

func (p *player) command(t *testing.T, line string) (answer string, say bool) {
	t.Helper()
	word, rest, _ := strings.Cut(line, " ")
	var rank, n int
	switch word {
	case "slots":
		var slots []int
		list, batch, _ := strings.Cut(rest, " batch ")
		for _, f := range strings.Split(list, ",") {
			fmt.Sscan(f, &n)
			slots = append(slots, n)
		}
		n = 1
		fmt.Sscan(batch, &n)
		*p = player{scheduler: newScheduler(slots, n)}
	case "add":
		fmt.Sscan(rest, &n)
		for range n {
			p.add([]l2l.Evaluation{{Individual: p.next}})
			p.next++
		}
	case "feed":
		var chunks []string
		for {
			rank, chunk := p.scheduler.next()
			if len(chunk) == 0 {
				return cmp.Or(strings.Join(chunks, " "), "nothing"), true
			}
			first, last := chunk[0].Individual, chunk[len(chunk)-1].Individual
			if first == last {
				chunks = append(chunks, fmt.Sprintf("%d<-%d", rank, first))
			} else {
				chunks = append(chunks, fmt.Sprintf("%d<-%d..%d", rank, first, last))
			}
		}
	case "done":
		var took string
		fmt.Sscan(rest, &rank, &n, &took)
		d, err := time.ParseDuration(took)
		if err != nil {
			t.Fatal(err)
		}
		for range n {
			var oldest int64 = -1
			for k, h := range p.held.All() {
				if h.ownedBy(rank) && (oldest < 0 || k.Individual < oldest) {
					oldest = k.Individual
				}
			}
			if !p.answers(rank, l2l.Result{Individual: oldest, Seconds: d.Seconds()}) {
				return fmt.Sprintf("rank %d: not counted", rank), true
			}
		}
	case "lost":
		fmt.Sscan(rest, &rank)
		return fmt.Sprintf("%d go back", p.lost(rank)), true
	case "found":
		fmt.Sscan(rest, &rank, &n)
		p.found(rank, n)
	case "copy":
		fmt.Sscan(rest, &n, &rank)
		p.give(rank, []l2l.Evaluation{{Individual: int64(n)}}, 1)
	case "queued":
		return fmt.Sprintf("queued %d", p.queued()), true
	case "outstanding":
		return fmt.Sprintf("outstanding %d, idle %v", p.outstanding(), p.idle()), true
	case "capacity":
		return fmt.Sprintf("capacity %d", p.capacity()), true
	default:
		t.Fatalf("no command %q", word)
	}
	return "", false
}

func TestSchedulerSharesARoundInProportionToSlots(t *testing.T) {
	for _, slots := range [][]int{{0, 1}, {0, 1, 1, 1}, {0, 4, 1, 3}, {0, 128, 128}} {
		for _, n := range []int{0, 1, 2, 7, 100, 1001} {
			s := newScheduler(slots, 1)
			s.mean = 1e-6
			s.add(make([]l2l.Evaluation, n))
			total := 0
			for rank, size := range s.round() {
				total += size
				if exact := float64(n*slots[rank]) / float64(s.slots); math.Abs(float64(size)-exact) >= 1 {
					t.Errorf("slots %v, %d evaluations: rank %d has %d, want %.2f", slots, n, rank, size, exact)
				}
			}
			if total != n {
				t.Errorf("slots %v: %d of %d evaluations", slots, total, n)
			}
		}
	}
}

func TestSchedulerBoundsTheTimeOfARound(t *testing.T) {
	for mean, each := range map[float64]int{0: 1, 1e-6: 1000, 1e-3: 100, 10e-3: 10, 0.2: 1, 1000: 1} {
		s := newScheduler([]int{0, 2, 1}, 1)
		s.mean = mean
		s.add(make([]l2l.Evaluation, 3000))
		if got := s.round(); got[1] != 2*each || got[2] != each {
			t.Errorf("evaluations of %v s: shares %v, want %d per slot", mean, got, each)
		}
	}
}
