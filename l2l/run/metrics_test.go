package run_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
)

// scraped are the numbers of a page, by their names and labels. Each line of it must be as Prometheus wants it.
func scraped(t *testing.T, text string) map[string]float64 {
	t.Helper()
	line := regexp.MustCompile(`^(l2l_[a-z_]+)(\{(?:[a-z]+="(?:[^"\\]|\\["\\n])*",?)*\})? (\S+)$`)
	numbers, kinds := map[string]float64{}, map[string]string{}
	for l := range strings.Lines(text) {
		l = strings.TrimSuffix(l, "\n")
		if strings.HasPrefix(l, "# ") {
			if words := strings.Fields(l); words[1] == "TYPE" {
				kinds[words[2]] = words[3]
			}
			continue
		}
		found := line.FindStringSubmatch(l)
		if found == nil {
			t.Fatalf("%q is no line of Prometheus's", l)
		}
		value, err := strconv.ParseFloat(found[3], 64)
		if err != nil || kinds[found[1]] == "" || strings.HasSuffix(found[1], "_total") != (kinds[found[1]] == "counter") {
			t.Errorf("%q, %v; its type is %q", l, err, kinds[found[1]])
		}
		numbers[found[1]+found[2]] = value
	}
	return numbers
}

// served is the address that a log tells.
func served(log string) string {
	found := regexp.MustCompile(`"address":"(http://[^"]*)"`).FindStringSubmatch(log)
	if found == nil {
		return ""
	}
	return found[1]
}

func get(t *testing.T, address string) (text, kind string) {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", address, response.Status, err)
	}
	return string(b), response.Header.Get("Content-Type")
}

// Whoever asks while a run goes on is told how far it is, on one rank and on several, and the search is what it is without.
func TestMetricsTellHowFarARunIs(t *testing.T) {
	want := alone(t, plan(t, search, 3))
	for _, ranks := range []int{1, 3} {
		p := plan(t, search+"output: {metrics: '127.0.0.1:0'}\n", 3)
		var log bytes.Buffer
		var page, kind, address string
		endings := map[string]float64{}
		results := 0
		look := func(e l2l.Event, _ *l2l.Individual, s *l2l.Search) {
			r, ok := e.(l2l.Result)
			if !ok || results > 200 {
				return
			}
			endings[r.Ending.String()]++
			if results++; results == 200 {
				address = served(log.String())
			}
			if results == 201 { // the server has seen the one before, since observers are told one after the other
				endings[r.Ending.String()]--
				page, kind = get(t, address)
			}
		}
		var result run.Result
		errs := everywhere(ranks, func(comm mpi.Comm) (err error) {
			r, err := run.Run(t.Context(), comm, p, run.Log(&log, zerolog.InfoLevel), run.Observe(look))
			if comm.Rank() == 0 {
				result = r
			}
			return err
		})
		if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
			t.Fatalf("rank %d: %v", i, errs[i])
		}
		if result.TrajectoryHash != want.TrajectoryHash {
			t.Errorf("%d ranks: another search with metrics", ranks)
		}
		if !strings.HasPrefix(kind, "text/plain; version=0.0.4") {
			t.Errorf("the page is of type %s", kind)
		}
		got := scraped(t, page)
		for name, n := range map[string]float64{
			`l2l_evaluations_total{outcome="ok"}`: endings["ok"], `l2l_evaluations_total{outcome="failed"}`: endings["failed"],
			`l2l_evaluations_total{outcome="timeout"}`: 0, "l2l_run_evaluations": 200, "l2l_ranks": float64(ranks),
		} {
			if v, ok := got[name]; !ok || v != n {
				t.Errorf("%d ranks: %s is %v, want %v", ranks, name, v, n)
			}
		}
		for _, name := range []string{
			"l2l_generation", "l2l_slots", "l2l_evaluations_per_second", "l2l_session_start_time_seconds",
			`l2l_best_fitness{objective="error",direction="minimise",unit="mV"}`, `l2l_optimizer_figure{name="sigma"}`,
		} {
			if !(got[name] > 0) {
				t.Errorf("%d ranks: %s is %v, want more than 0", ranks, name, got[name])
			}
		}
		if _, err := http.Get(address); err == nil {
			t.Errorf("%s still answers after the run", address)
		}
	}
}

// Many ask at once while the run goes on.
func TestMetricsMayBeAskedForByMany(t *testing.T) {
	p := plan(t, search+"output: {metrics: '127.0.0.1:0'}\n", 3)
	var log bytes.Buffer
	var all sync.WaitGroup
	begun := false
	look := func(l2l.Event, *l2l.Individual, *l2l.Search) {
		if address := served(log.String()); !begun && address != "" {
			begun = true
			for range 8 {
				all.Go(func() {
					for range 20 {
						response, err := http.Get(address)
						if err != nil {
							return // the run has ended
						}
						_, _ = io.Copy(io.Discard, response.Body)
						response.Body.Close()
					}
				})
			}
		}
	}
	if result := alone(t, p, run.Log(&log, zerolog.InfoLevel), run.Observe(look)); result.Evaluations != 400 || !begun {
		t.Errorf("%d evaluations, begun: %v", result.Evaluations, begun)
	}
	all.Wait()
}

func TestAnAddressThatIsTakenDoesNotKeepARunFromBeginning(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	p := plan(t, search+"output: {metrics: '%s'}\n", 3, port)
	if result := alone(t, p, run.Log(&log, zerolog.WarnLevel)); result.Evaluations != 400 {
		t.Errorf("%d evaluations, want 400", result.Evaluations)
	}
	if want := fmt.Sprintf(`bind: address already in use","address":"127.0.0.1:%s"`, port); !strings.Contains(log.String(), want) {
		t.Errorf("the log has %s, want %s", log.String(), want)
	}
}
