package run

import (
	"cmp"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// metrics are numbers of a run that goes on, in the text format of Prometheus. The loop writes them, and whoever asks reads them: neither waits for the
// other longer than it takes to copy a few numbers, and no error of the server reaches the run.
type metrics struct {
	leader *leader
	pulse  *pulse
	before int64 // evaluations of earlier sessions
	slots  int

	mu          sync.Mutex
	endings     map[l2l.Ending]int64 // of this session's attempts
	evaluations int64
	failures    int64
	generation  int
	best        *l2l.Best
	figures     l2l.Figures
}

// serveMetrics begins to serve the run's numbers, which the observer sees, at the address of the configuration. stop ends that. Where the address cannot
// be had, that is said in the log, and the run goes on without: it may have waited long for its place on a machine.
func (r *leader) serveMetrics(p *pulse) (observe l2l.Observer, stop func()) {
	address := r.Output.MetricsAddress()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		r.log.Warn().Err(err).Str("address", address).Msg("metrics are not served, and the run goes on without: output.metrics")
		return func(l2l.Event, *l2l.Individual, *l2l.Search) {}, func() {}
	}
	m := &metrics{leader: r, pulse: p, before: r.search.Evaluations(), slots: r.begun().Slots, endings: map[l2l.Ending]int64{}}
	m.take(r.search)
	m.generation = r.search.Status().Generation
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = io.WriteString(w, m.text(time.Now())) // who has gone does not want it
	})
	const patience = 10 * time.Second
	server := &http.Server{
		Handler: mux, ReadTimeout: patience, WriteTimeout: patience, IdleTimeout: time.Minute, MaxHeaderBytes: 1 << 14, ErrorLog: log.New(io.Discard, "", 0),
	}
	ended := make(chan bool)
	go func() {
		defer close(ended)
		_ = server.Serve(listener) // until it is closed
	}()
	r.log.Info().Str("address", "http://"+listener.Addr().String()+"/metrics").Msg("metrics are served")
	return m.observe, func() {
		_ = server.Close()
		<-ended
	}
}

func (m *metrics) observe(e l2l.Event, _ *l2l.Individual, s *l2l.Search) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch e := e.(type) {
	case l2l.Result:
		m.endings[e.Ending]++
		m.take(s)
	case l2l.Figures:
		m.generation, m.figures = e.Generation, e
	}
}

// take takes in how far the search is. m.mu is held, or nobody else knows m yet.
func (m *metrics) take(s *l2l.Search) {
	m.evaluations = s.Evaluations()
	m.failures, _ = s.Failures()
	if b := s.Best(); b != nil && (m.best == nil || m.best.Individual.ID != b.Individual.ID) {
		m.best = &l2l.Best{Individual: l2l.Individual{ID: b.Individual.ID}, Fitness: slices.Clone(b.Fitness)}
	}
}

// text are the numbers now.
func (m *metrics) text(now time.Time) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.leader
	var b strings.Builder
	family := func(name, kind, doc string) {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %[1]s %[3]s\n", name, doc, kind)
	}
	one := func(name, kind, doc string, value any) {
		family(name, kind, doc)
		fmt.Fprintf(&b, "%s %v\n", name, value)
	}
	family("l2l_info", "gauge", "The run; always 1.")
	fmt.Fprintf(&b, "l2l_info{%s} 1\n", labels("name", r.Name, "optimizer", r.Optimizer.Name, "optimizee", r.Optimizee.Name, "dir", r.dir, "version", Version()))
	family("l2l_evaluations_total", "counter", "Evaluations of this session that have ended, attempts that are tried again included.")
	for ending := l2l.OK; ending <= l2l.Lost; ending++ {
		fmt.Fprintf(&b, "l2l_evaluations_total{%s} %d\n", labels("outcome", ending.String()), m.endings[ending])
	}
	one("l2l_run_evaluations", "gauge", "Evaluations of all sessions that have ended for good.", m.evaluations)
	one("l2l_run_failed_individuals", "gauge", "Individuals of all sessions that have failed.", m.failures)
	one("l2l_generation", "gauge", "Generations that the optimizer has completed.", m.generation)
	if m.best != nil {
		family("l2l_best_fitness", "gauge", "Fitness of the best individual so far, as it was told.")
		for k, o := range r.Objectives {
			fmt.Fprintf(&b, "l2l_best_fitness{%s} %v\n", labels("objective", o.Name, "direction", o.Direction.String(), "unit", o.Unit), m.best.Fitness[k])
		}
	}
	if len(m.figures.Names) > 0 {
		family("l2l_optimizer_figure", "gauge", "What the optimizer said of itself when it had completed a generation.")
		for k, name := range m.figures.Names {
			fmt.Fprintf(&b, "l2l_optimizer_figure{%s} %v\n", labels("name", name), m.figures.Values[k])
		}
	}
	underWay, longest := m.pulse.underWay(now)
	one("l2l_evaluations_under_way", "gauge", "Evaluations that have begun and not ended, as far as is known.", underWay)
	one("l2l_longest_evaluation_seconds", "gauge", "For how long one of them has been under way.", longest.Seconds())
	elapsed := now.Sub(r.started).Seconds()
	one("l2l_evaluations_per_second", "gauge", "Evaluations of this session that have ended for good, by its time.", float64(m.evaluations-m.before)/cmp.Or(elapsed, 1))
	one("l2l_session_start_time_seconds", "gauge", "When the session began, Unix time.", float64(r.started.UnixMicro())/1e6)
	one("l2l_ranks", "gauge", "Ranks of the run.", len(r.ranks))
	one("l2l_slots", "gauge", "Evaluations that can be under way at a time.", m.slots)
	return b.String()
}

// escaped is what has a meaning in the value of a label.
var escaped = strings.NewReplacer("\\", `\\`, "\"", `\"`, "\n", `\n`)

// labels are names and values of labels.
func labels(pairs ...string) string {
	var parts []string
	for i := 0; i < len(pairs); i += 2 {
		parts = append(parts, fmt.Sprintf(`%s="%s"`, pairs[i], escaped.Replace(pairs[i+1])))
	}
	return strings.Join(parts, ",")
}
