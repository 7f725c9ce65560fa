package dispatch

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// lasting is a model whose evaluations take times by their seeds, longer on rank 1, and some of which fail.
func lasting(rank int, heeds bool) func(context.Context, optimizee.Evaluation) (optimizee.Outcome, error) {
	return func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
		took := time.Duration(50+e.Seed%100) * time.Millisecond
		if rank == 1 {
			took *= 20
		}
		if !heeds {
			time.Sleep(took)
			return uneven(ctx, e)
		}
		select {
		case <-time.After(took):
			return uneven(ctx, e)
		case <-ctx.Done():
			return optimizee.Outcome{}, ctx.Err()
		}
	}
}

func TestTheTrajectoryIsTheSameWithSecondCopiesAndInAnyOrder(t *testing.T) {
	want := ""
	synctest.Test(t, func(t *testing.T) {
		alike(t, 1, 2, Pull, options(2, lasting(0, false)), func(ctx context.Context, e l2l.Evaluator) { want = trajectory(t, ctx, "genetic", e) })
	})
	for _, slots := range [][]int{{0, 2, 1}, {0, 1, 3, 1, 4}} {
		for _, schedule := range []Schedule{Pull, Auto, Collective} {
			for _, heeds := range []bool{false, true} {
				for _, policy := range []Policy{{}, {Copies: true}, {Copies: true, InOrder: true}} {
					policy.Schedule = schedule
					synctest.Test(t, func(t *testing.T) {
						opts := func(rank int) Options { return options(1, lasting(rank, heeds)) }
						ranked(t, slots, policy, opts, func(ctx context.Context, e l2l.Evaluator) {
							if got := trajectory(t, ctx, "genetic", e); got != want {
								t.Errorf("slots %v, %+v: the trajectory differs", slots, policy)
							}
							if made, won := e.(*Coordinator).Copies(); (made > 0) != (policy.Copies && schedule != Collective) || won > made {
								t.Errorf("slots %v, %+v: %d copies of which %d won", slots, policy, made, won)
							}
						})
					})
				}
			}
		}
	}
}

// A copy runs while the first one does, perhaps with the same file system: each has a directory of its own, of which none stays.
func TestACopyHasADirectoryOfItsOwn(t *testing.T) {
	base := t.TempDir()
	var mu sync.Mutex
	used := map[string]int{} // directories to how often
	synctest.Test(t, func(t *testing.T) {
		opts := func(rank int) Options {
			return Options{Dir: base, KeepFailed: 10, Make: func() (optimizee.Optimizee, error) {
				return &wantsDir{model{evaluate: func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
					if _, err := os.Stat(e.Dir); err != nil {
						return optimizee.Outcome{}, err
					}
					mu.Lock()
					used[filepath.Base(e.Dir)]++
					mu.Unlock()
					defer func() {
						if _, err := os.Stat(e.Dir); err != nil {
							t.Errorf("while it is used: %v", err)
						}
					}()
					e.Seed = 1 // of none that fails
					return lasting(rank, true)(ctx, e)
				}}}, nil
			}}
		}
		ranked(t, []int{0, 1, 1, 1}, Policy{Schedule: Pull, Copies: true}, opts, func(ctx context.Context, e l2l.Evaluator) {
			generations(t, e, same, 10, 6)
		})
	})
	copies := 0
	for name, n := range used {
		if n != 1 {
			t.Errorf("%d evaluations had the directory %s", n, name)
		}
		if strings.HasSuffix(name, "-0-0-0-copy-1") {
			copies++
		}
	}
	if left, err := filepath.Glob(filepath.Join(base, "*")); err != nil || len(left) > 0 || copies == 0 {
		t.Errorf("%v are left; %d copies; %v", left, copies, err)
	}
}

// wantsDir is a model that uses directories.
type wantsDir struct{ model }

func (*wantsDir) NeedsDir() bool { return true }

// prepared is a model that would have to be prepared again.
type prepared struct{ *model }

func (*prepared) Prepare(context.Context) error { return nil }

func TestWhatIsDroppedEndsUnlessItsModelWouldHaveToBeStartedAgain(t *testing.T) {
	for name, one := range map[string]func(m *model) optimizee.Optimizee{
		"a model": func(m *model) optimizee.Optimizee { return m }, "one that is prepared": func(m *model) optimizee.Optimizee { return &prepared{m} },
	} {
		synctest.Test(t, func(t *testing.T) {
			opts := Options{Slots: 1, Make: func() (optimizee.Optimizee, error) {
				return one(&model{evaluate: func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
					select {
					case <-time.After(time.Hour):
						return sphere(ctx, e)
					case <-ctx.Done():
						return optimizee.Outcome{}, ctx.Err()
					}
				}}), nil
			}}
			p, err := newPool(t.Context(), 1, opts, func() {})
			if err != nil {
				t.Fatal(err)
			}
			defer p.close()
			began := time.Now()
			es := []l2l.Evaluation{{Individual: 1, X: []float64{1, 2, 3}}, {Individual: 2, X: []float64{1, 2, 3}}, {Individual: 3, X: []float64{1, 2, 3}}}
			p.submit(es)
			time.Sleep(time.Minute)
			p.drop([]l2l.Evaluation{es[0], es[2], {Individual: 77}}) // one is under way, one waits, one is not there
			ended := map[int64]string{}
			for len(ended) < 3 {
				p.await(1, 0)
				for _, r := range p.take() {
					ended[r.Individual] = fmt.Sprint(r.Ending, " after ", time.Since(began), " ", r.Reason)
				}
			}
			want := map[int64]string{
				1: "failed after 1m0s another slot was faster", 3: "failed after 1m0s another slot was faster", 2: "ok after 1h1m0s ",
			}
			if name != "a model" {
				want[1], want[2] = "ok after 1h0m0s ", "ok after 2h0m0s "
			}
			if !maps.Equal(ended, want) {
				t.Errorf("%s: %v, want %v", name, ended, want)
			}
		})
	}
}

func TestACallOfSeveralIsDroppedOnlyIfNoneOfThemIsWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := Options{Slots: 1, Batch: 2, Make: func() (optimizee.Optimizee, error) {
			return &sleeper{seconds: func([]optimizee.Evaluation) float64 { return 100 }}, nil
		}}
		p, err := newPool(t.Context(), 1, opts, func() {})
		if err != nil {
			t.Fatal(err)
		}
		defer p.close()
		es := []l2l.Evaluation{{Individual: 1, X: []float64{1, 2, 3}}, {Individual: 2, X: []float64{1, 2, 3}}}
		for _, c := range []struct {
			drops [][]l2l.Evaluation
			took  time.Duration
		}{{nil, 100 * time.Second}, {[][]l2l.Evaluation{es[:1]}, 100 * time.Second}, {[][]l2l.Evaluation{es[:1], es[1:]}, 2 * time.Second}} {
			began := time.Now()
			p.submit(es)
			for _, drop := range c.drops {
				time.Sleep(time.Second)
				p.drop(drop)
			}
			p.await(2, 0)
			if rs, took := p.take(), time.Since(began); len(rs) != 2 || took != c.took {
				t.Errorf("after %d drops: %d results after %v, want %v", len(c.drops), len(rs), took, c.took)
			}
		}
	})
}

func TestSoloBeginsWithTheLongestWherePointsTellTheTimes(t *testing.T) {
	for name, seconds := range map[string]func(l2l.Evaluation) float64{"by point": byPoint, "by chance": byChance} {
		synctest.Test(t, func(t *testing.T) {
			var order []float64
			opts := options(1, func(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
				s := seconds(l2l.Evaluation{Seed: e.Seed, X: e.X})
				order = append(order, s)
				time.Sleep(time.Duration(s * float64(time.Second)))
				return sphere(ctx, e)
			})
			alike(t, 1, 1, Pull, opts, func(_ context.Context, e l2l.Evaluator) {
				generations(t, e, seconds, 10, 32)
				last := order[len(order)-32:]
				sorted := slices.IsSortedFunc(last, func(a, b float64) int { return int(1e6 * (b - a)) })
				if sorted != (name == "by point") {
					t.Errorf("%s: the times of the last generation are %.3v", name, last)
				}
			})
		})
	}
}
