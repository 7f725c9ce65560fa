package run

import (
	"context"
	"errors"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// FuzzBriefing sends a rank a briefing of any content, after which the run is called off: the rank ends, with an error. Rank 0 is told where a
// rank runs in the same bytes.
func FuzzBriefing(f *testing.F) {
	const text = "optimizee: {type: function, name: sphere, dim: 2}\noptimizer: {type: cmaes}\n"
	for _, b := range []briefing{
		{Config: text, Dir: "run", Slots: []int{1, 1}}, {Config: text, Slots: []int{1}}, {Config: text, Slots: []int{1, 1 << 40}},
		{Config: text[:20], Slots: []int{1, 1}}, {Over: true}, {Over: true, Usage: true},
	} {
		raw, err := codec.Marshal(b)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
		f.Add(raw[:len(raw)/2])
	}
	raw, err := codec.Marshal(newHello())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	kinds := config.Kinds{Optimizees: []optimizee.Type{functions.Type}, Optimizers: catalogue.All()}
	f.Fuzz(func(t *testing.T, raw []byte) {
		comms := mpi.Local(2)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer cancel() // a rank that ends early takes part in nothing more
			if err := Follow(t.Context(), comms[1], kinds); err == nil {
				t.Error("a run that was called off ends without an error")
			}
		}()
		_, err := comms[0].Gatherv(ctx, 0, nil)
		if err == nil {
			_, err = comms[0].Bcast(ctx, 0, raw)
		}
		if err == nil {
			_, err = comms[0].Gatherv(ctx, 0, nil)
		}
		if err == nil {
			err = broadcast(ctx, comms[0], false)
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		<-ctx.Done()
		var h hello
		if codec.Unmarshal(raw, &h) == nil {
			slotsOf([]hello{h, h}, dispatch.NewLevels(2, 0), 0, 1) // must not panic
		}
	})
}
