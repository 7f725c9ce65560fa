package l2l_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// commanded is an evaluator that can be held, and that does something when it is asked for results for the nth time.
type commanded struct {
	*evaluator
	at    map[int]func()
	asked int
	held  bool
	idle  func() // is called when it is held, before it waits
}

func (c *commanded) Hold(held bool) { c.held = held }

func (c *commanded) Next(ctx context.Context) ([]l2l.Result, error) {
	if do := c.at[c.asked]; do != nil {
		do()
	}
	c.asked++
	if c.held {
		if c.idle != nil {
			c.idle()
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return c.evaluator.Next(ctx)
}

// unheld hides that an evaluator can be held.
type unheld struct{ l2l.Evaluator }

func TestLoopPausesInAnyStateAndGoesOnAsItWould(t *testing.T) {
	for _, name := range []string{"cmaes", "cmaes_async", "random"} {
		for _, holds := range []bool{true, false} {
			for _, at := range []int{0, 1, 7, 20} {
				o := &l2l.Orders{}
				e := newEvaluator(3, failing)
				c := &commanded{evaluator: e}
				taken := make(chan error, 2)
				quiet := true // nothing is submitted while it pauses
				c.at = map[int]func(){at: func() {
					most := 0 // that may be submitted until it goes on: further attempts of what is under way
					o.Give(l2l.Order{Event: l2l.Ordered{Order: "pause"}, Do: func(l *l2l.Loop) {
						most = len(e.seen) + 2*l.UnderWay()
						l.Pause()
					}, Taken: func(err error) {
						time.AfterFunc(5*time.Millisecond, func() { // in which what is under way ends
							o.Give(l2l.Order{Event: l2l.Ordered{Order: "resume"}, Do: func(l *l2l.Loop) {
								quiet = len(e.seen) <= most
								l.Resume()
							}, Taken: func(err error) { taken <- err }})
						})
						taken <- err
					}})
				}}
				m := &memory{}
				l := &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, name), rules()), Evaluator: c, Recorder: m, Orders: o, Stop: l2l.Stop{Evaluations: 120}}
				if !holds {
					l.Evaluator = unheld{c}
				}
				s := run(t, l)
				if err := errors.Join(<-taken, <-taken); err != nil || !quiet || s.Reason.Rule != l2l.Evaluations {
					t.Errorf("%s, held: %t, order at %d: %v, ended by %v", name, holds, at, err, s.Reason)
				}
				var orders []string
				again := l2l.NewSearch(newOptimizer(t, name), rules())
				for _, event := range m.events {
					if o, ok := event.(l2l.Ordered); ok {
						orders = append(orders, o.Order)
					}
					if _, err := again.Replay(event); err != nil {
						t.Fatal(err)
					}
				}
				if !slices.Equal(orders, []string{"pause", "resume"}) || again.TrajectoryHash() != s.TrajectoryHash {
					t.Errorf("%s, held: %t, order at %d: the journal has %q, and a replay another trajectory: %t", name, holds, at, orders,
						again.TrajectoryHash() != s.TrajectoryHash)
				}
				if name != "cmaes_async" { // of which the order of arrival is a part
					whole := run(t, &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, name), rules()), Evaluator: newEvaluator(8, failing),
						Stop: l2l.Stop{Evaluations: 120}})
					if whole.TrajectoryHash != s.TrajectoryHash {
						t.Errorf("%s, held: %t, order at %d: another trajectory than without a pause", name, holds, at)
					}
				}
			}
		}
	}
}

func TestLoopThatPausesEndsByItsContextItsWallTimeAndOrders(t *testing.T) {
	for name, c := range map[string]struct {
		stop l2l.Stop
		then func(o *l2l.Orders, cancel func())
		want l2l.StopRule
	}{
		"a signal":          {l2l.Stop{}, func(_ *l2l.Orders, cancel func()) { cancel() }, l2l.Interrupted},
		"the wall time":     {l2l.Stop{WallTime: 30 * time.Millisecond}, func(*l2l.Orders, func()) {}, l2l.WallTime},
		"an order":          {l2l.Stop{}, func(o *l2l.Orders, _ func()) { o.Give(l2l.Order{Do: (*l2l.Loop).StopNow}) }, l2l.ByOrder},
		"an order for then": {l2l.Stop{}, func(o *l2l.Orders, _ func()) { o.Give(l2l.Order{Do: (*l2l.Loop).StopAfterGeneration}) }, l2l.ByOrder},
		"another wall time": {l2l.Stop{WallTime: time.Hour}, func(o *l2l.Orders, _ func()) {
			o.Give(l2l.Order{Do: func(l *l2l.Loop) { l.SetStop(l2l.Stop{WallTime: time.Millisecond}) }})
		}, l2l.WallTime},
	} {
		for _, holds := range []bool{true, false} {
			ctx, cancel := context.WithCancel(t.Context())
			o := &l2l.Orders{}
			e := &commanded{evaluator: newEvaluator(1, bowl), at: map[int]func(){3: func() {
				o.Give(l2l.Order{Do: (*l2l.Loop).Pause, Taken: func(error) { time.AfterFunc(2*time.Millisecond, func() { c.then(o, cancel) }) }})
			}}}
			l := &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, "cmaes"), rules()), Evaluator: e, Orders: o, Stop: c.stop}
			if !holds {
				l.Evaluator = unheld{e}
			}
			s, err := l.Run(ctx)
			if err != nil || s.Reason.Rule != c.want || !s.Reason.Resumable() {
				t.Errorf("%s, held: %t: ended by %v, %v", name, holds, s.Reason, err)
			}
			cancel()
		}
	}
}

func TestLoopThatIsToldToStopEndsWhereItWasToldTo(t *testing.T) {
	for _, name := range []string{"cmaes", "cmaes_async", "random", "sobol", "de_async"} {
		for _, do := range []func(*l2l.Loop){(*l2l.Loop).StopNow, (*l2l.Loop).StopAfterGeneration} {
			o, m := &l2l.Orders{}, &memory{}
			told := -1
			e := &commanded{evaluator: newEvaluator(1, bowl)}
			l := &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, name), rules()), Evaluator: e, Recorder: m, Orders: o, Stop: l2l.Stop{Evaluations: 300}}
			e.at = map[int]func(){9: func() {
				o.Give(l2l.Order{Do: func(l *l2l.Loop) {
					told = l.Search.Status().Generation
					do(l)
				}})
			}}
			s := run(t, l)
			if s.Reason.Rule != l2l.ByOrder || s.Reason.Failed() || s.Generations > told+1 {
				t.Errorf("%s: ended by %v, %d generations after it was told", name, s.Reason, s.Generations-told)
			}
			again := l2l.NewSearch(newOptimizer(t, name), rules())
			for _, event := range m.events {
				if _, err := again.Replay(event); err != nil {
					t.Fatal(err)
				}
			}
			resumed := run(t, &l2l.Loop{Search: again, Evaluator: newEvaluator(4, bowl), Stop: l2l.Stop{Evaluations: 300}})
			if resumed.Reason.Rule != l2l.Evaluations || resumed.Evaluations != 300 {
				t.Errorf("%s: resumed, it ended by %v", name, resumed.Reason)
			}
			if name == "cmaes" {
				whole := run(t, &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, name), rules()), Evaluator: newEvaluator(2, bowl), Stop: l2l.Stop{Evaluations: 300}})
				if whole.TrajectoryHash != resumed.TrajectoryHash {
					t.Errorf("%s: it was resumed to another trajectory", name)
				}
			}
		}
	}
}

func TestOrdersThatComeTooLateAreAnswered(t *testing.T) {
	o := &l2l.Orders{}
	late := errors.New("the run has ended")
	answers := make(chan error, 2)
	taken := func(err error) { answers <- err }
	o.Give(l2l.Order{Do: func(*l2l.Loop) { t.Error("it was carried out") }, Taken: taken})
	o.Close(late)
	o.Give(l2l.Order{Taken: taken})
	if a, b := <-answers, <-answers; a != late || b != late {
		t.Errorf("got %v and %v", a, b)
	}
}

func TestLoopThatIsToldToStopInItsFinalsHasTheSameAnswerInTheEnd(t *testing.T) {
	noisy := rules()
	noisy.Stochastic, noisy.Finalists = true, l2l.Finalists{Count: 4, Evaluations: 60}
	stop := l2l.Stop{Evaluations: 200}
	whole := run(t, &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, "cmaes"), noisy), Evaluator: newEvaluator(2, bowl), Stop: stop})
	if whole.Answer == nil || whole.Answer.Anew == nil {
		t.Fatalf("the answer is not measured: %+v", whole.Answer)
	}
	for _, do := range []func(*l2l.Loop){(*l2l.Loop).StopNow, (*l2l.Loop).StopAfterGeneration} {
		o, m := &l2l.Orders{}, &memory{}
		e := &commanded{evaluator: newEvaluator(1, bowl)}
		in := false // the finals
		l := &l2l.Loop{
			Search: l2l.NewSearch(newOptimizer(t, "cmaes"), noisy), Evaluator: e, Recorder: m, Orders: o, Stop: stop,
			Observers: []l2l.Observer{func(event l2l.Event, _ *l2l.Individual, _ *l2l.Search) {
				if _, ok := event.(l2l.Finals); ok && !in {
					in = true
					o.Give(l2l.Order{Do: (*l2l.Loop).Pause, Taken: func(error) {
						time.AfterFunc(time.Millisecond, func() { o.Give(l2l.Order{Do: do}) })
					}})
				}
			}},
		}
		cut := run(t, l)
		if cut.Reason.Rule != l2l.ByOrder || !in || cut.Evaluations >= whole.Evaluations {
			t.Errorf("it ended by %v after %d of %d evaluations", cut.Reason, cut.Evaluations, whole.Evaluations)
		}
		again := l2l.NewSearch(newOptimizer(t, "cmaes"), noisy)
		for _, event := range m.events {
			if _, err := again.Replay(event); err != nil {
				t.Fatal(err)
			}
		}
		resumed := run(t, &l2l.Loop{Search: again, Evaluator: newEvaluator(4, bowl), Stop: stop})
		if resumed.TrajectoryHash != whole.TrajectoryHash || resumed.Evaluations != whole.Evaluations || !slices.Equal(resumed.Answer.X, whole.Answer.X) ||
			!slices.Equal(resumed.Answer.Anew.Mean, whole.Answer.Anew.Mean) {
			t.Errorf("resumed after %v, it has the answer %+v, want %+v", cut.Reason, resumed.Answer, whole.Answer)
		}
	}
}
