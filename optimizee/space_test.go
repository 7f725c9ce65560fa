package optimizee_test

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// mixed has a parameter of every kind.
func mixed() optimizee.Space {
	return optimizee.Space{
		{Name: "v", Lower: -5, Upper: 5, Unit: "mV"},
		{Name: "tau", Lower: 1, Upper: 100, Log: true, Unit: "ms"},
		{Name: "n", Kind: optimizee.Int, Lower: 1, Upper: 7},
		{Name: "on", Kind: optimizee.Bool},
		{Name: "rule", Kind: optimizee.Categorical, Choices: []any{"stdp", "bcm", "oja"}},
		{Name: "w", Size: 3, Lower: math.Inf(-1), Upper: math.Inf(1), Mean: 1, Std: 2},
	}
}

func values() map[string]any {
	return map[string]any{"v": 2.5, "tau": 10.0, "n": 3, "on": true, "rule": "oja", "w": []float64{1, 2, 3}}
}

func TestSpaceEncodeAndDecodeAreInverse(t *testing.T) {
	s := mixed()
	x, err := s.Encode(values())
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{2.5, math.Log(10), 3, 1, 2, 1, 2, 3}; !reflect.DeepEqual(x, want) {
		t.Fatalf("encoded %v, want %v", x, want)
	}
	p, err := s.Decode(x)
	if err != nil {
		t.Fatal(err)
	}
	if p.Float("v") != 2.5 || p.Float("tau") != 10 || p.Int("n") != 3 || !p.Bool("on") || p.Choice("rule") != "oja" ||
		!reflect.DeepEqual(p.Vector("w"), []float64{1, 2, 3}) {
		t.Errorf("decoded %v", p.All())
	}
	if got := p.All()[2].Value; got != int64(3) {
		t.Errorf("n = %v (%T), want an int64", got, got)
	}
	if got := p.All()[5].Value; !reflect.DeepEqual(got, []float64{1, 2, 3}) {
		t.Errorf("w = %v", got)
	}
}

// Map is what Encode takes, whatever the kinds; Flat has a value for each label.
func TestSpaceMapAndFlatAreTheValuesOfAllKinds(t *testing.T) {
	s := append(mixed(), optimizee.Space{
		{Name: "ns", Kind: optimizee.Int, Size: 2, Lower: 1, Upper: 7}, {Name: "ons", Kind: optimizee.Bool, Size: 2},
		{Name: "rules", Kind: optimizee.Categorical, Size: 2, Choices: []any{"stdp", "bcm"}},
	}...)
	x := []float64{2.5, 0, 3, 1, 2, 1, 2, 3, 4, 5, 0, 1, 1, 0}
	p, err := s.Decode(x)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.Encode(p.Map()); err != nil || !reflect.DeepEqual(again, x) {
		t.Errorf("%v becomes %v, %v", x, again, err)
	}
	want := []any{2.5, 1.0, int64(3), true, "oja", 1.0, 2.0, 3.0, int64(4), int64(5), false, true, "bcm", "stdp"}
	if got := p.Flat(); !reflect.DeepEqual(got, want) || len(got) != len(s.Labels()) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSpaceChoicesKeepTheirType(t *testing.T) {
	s := optimizee.Space{
		{Name: "one", Kind: optimizee.Categorical, Choices: []any{true, false, 16, int64(32), 0.5, 1.0, "stdp", "2"}},
		{Name: "two", Kind: optimizee.Categorical, Choices: []any{"auto", 8, false}, Size: 2},
	}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	want := []any{true, false, int64(16), int64(32), 0.5, 1.0, "stdp", "2"}
	for i, w := range want {
		p, err := s.Decode([]float64{float64(i), 2, 1})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Flat(); !reflect.DeepEqual(got, []any{w, false, int64(8)}) {
			t.Errorf("choice %d: %#v, want %#v", i, got, w)
		}
		if x, err := s.Encode(p.Map()); err != nil || !reflect.DeepEqual(x, p.X) {
			t.Errorf("%v becomes %v, %v", p.X, x, err)
		}
		if got := p.Choice("one"); got != s[0].Choices[i] { // for a model in Go, as it was written in Go
			t.Errorf("choice %d: %#v, want %#v", i, got, s[0].Choices[i])
		}
	}
}

// A choice is accepted as it is written in a configuration, in a table, on a command line.
func TestSpaceEncodeTakesAChoiceAsItIsWritten(t *testing.T) {
	s := optimizee.Space{{Name: "c", Kind: optimizee.Categorical, Choices: []any{true, 16, 0.1, 1.0, "stdp", "1.10", "on", "007", "null"}}}
	for _, c := range []struct {
		value any
		want  float64
	}{
		{true, 0}, {"true", 0}, {16, 1}, {int64(16), 1}, {16.0, 1}, {"16", 1}, {0.1, 2}, {"0.1", 2}, {1, 3}, {1.0, 3}, {"stdp", 4},
		{"1.10", 5}, {1.1, 5}, {"on", 6}, {"007", 7}, {7, 7}, {nil, 8}, {"null", 8},
	} {
		if x, err := s.Encode(map[string]any{"c": c.value}); err != nil || x[0] != c.want {
			t.Errorf("%#v is choice %v, %v, want %v", c.value, x, err, c.want)
		}
	}
	for _, other := range []any{false, 17, 0.5, "", "STDP", []any{16}} {
		if x, err := s.Encode(map[string]any{"c": other}); err == nil || !strings.Contains(err.Error(), "want one of [true 16 0.1 1 stdp 1.10 on 007 null]") {
			t.Errorf("%#v: %v, %v", other, x, err)
		}
	}
	s[0].Choices = []any{"1.1", "1.10", "x"}
	if x, err := s.Encode(map[string]any{"c": 1.1}); err == nil || !strings.Contains(err.Error(), "1.1 may be any of several choices") {
		t.Errorf("got %v, %v", x, err)
	}
}

func TestSpaceValuesNeverLeaveTheirBounds(t *testing.T) {
	s := mixed()
	for _, far := range []float64{math.Inf(-1), -1e300, -0.6, 1e300, math.Inf(1)} {
		x := make([]float64, s.Dim())
		for i := range x {
			x[i] = far
		}
		p, err := s.Decode(x)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range p.All()[:3] {
			f := p.Float(v.Name)
			if f < v.Lower || f > v.Upper {
				t.Errorf("%s = %v at coordinate %v, want a value in [%v, %v]", v.Name, f, far, v.Lower, v.Upper)
			}
		}
		_, _ = p.Bool("on"), p.Choice("rule")
	}
}

func TestSpaceTopOfALogScaleIsReachedNotPassed(t *testing.T) {
	s := optimizee.Space{{Name: "g", Lower: 1e-9, Upper: 0.3, Log: true}}
	p, err := s.Decode([]float64{s.Coordinates()[0].Upper})
	if err != nil || p.Float("g") > 0.3 || p.Float("g") < 0.3*(1-1e-12) {
		t.Errorf("g = %v, %v", p.Float("g"), err)
	}
}

func TestSpaceRefusesWhatIsNoNumberAndAWrongLength(t *testing.T) {
	s := mixed()
	x := make([]float64, s.Dim())
	x[6] = math.NaN()
	if _, err := s.Decode(x); err == nil || !strings.Contains(err.Error(), "w[1]") {
		t.Errorf("got %v", err)
	}
	if _, err := s.Decode(x[:3]); err == nil {
		t.Error("a short vector was decoded")
	}
}

func TestSpaceEncodeNamesTheParameterTheValueAndTheRule(t *testing.T) {
	for _, c := range []struct {
		name  string
		value any
		want  string
	}{
		{"v", 6.0, `"v": 6, want a value in [-5, 5]`},
		{"v", "fast", `"v": fast, want a number`},
		{"n", 2.5, `"n": 2.5, want a whole number`},
		{"on", 1, `"on": 1, want true or false`},
		{"rule", "hebb", `"rule": hebb, want one of [stdp bcm oja]`},
		{"w", []float64{1, 2}, `"w": 2 values, want 3`},
		{"w", 1.0, `"w": 1, want a list of 3 values`},
		{"x", 1.0, `no parameter "x"`},
	} {
		v := values()
		v[c.name] = c.value
		if _, err := mixed().Encode(v); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s = %v: got %v, want %s", c.name, c.value, err, c.want)
		}
	}
	v := values()
	delete(v, "tau")
	if _, err := mixed().Encode(v); err == nil || !strings.Contains(err.Error(), `"tau" is missing`) {
		t.Errorf("got %v", err)
	}
}

func TestSpaceThatCannotBeSearchedIsRefused(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		space optimizee.Space
		want  string
	}{
		{nil, "parameters: no parameters"},
		{optimizee.Space{{Lower: 0, Upper: 1}}, "parameters: parameter 0 has no name"},
		{optimizee.Space{{Name: "a", Upper: 1}, {Name: "a", Upper: 1}}, "parameters.a: the parameter is there twice"},
		{optimizee.Space{{Name: "a", Lower: 1, Upper: 1}}, "parameters.a.lower: 1, want lower < upper = 1"},
		{optimizee.Space{{Name: "a", Lower: math.NaN(), Upper: 1}}, "parameters.a.lower: NaN, want a finite number"},
		{optimizee.Space{{Name: "a", Lower: 0, Upper: inf}}, "parameters.a.upper: +Inf without a std"},
		{optimizee.Space{{Name: "a", Lower: 0, Upper: 1, Mean: 2, Std: 1}}, "parameters.a.mean: 2, want a value between the bounds"},
		{optimizee.Space{{Name: "a", Lower: 0, Upper: 1, Mean: 0.9}}, "parameters.a.mean: 0.9 without a std, want a std as well"},
		{optimizee.Space{{Name: "a", Lower: 0, Upper: 1, Std: -1}}, "parameters.a.std: -1, want >= 0"},
		{optimizee.Space{{Name: "a", Lower: 0, Upper: 1, Std: inf}}, "parameters.a.std: +Inf, want a finite number"},
		{optimizee.Space{{Name: "a", Lower: 0, Upper: 1, Log: true}}, "parameters.a.lower: 0 on a log scale, want > 0"},
		{optimizee.Space{{Name: "a", Lower: -inf, Upper: inf, Std: 1, Log: true}}, "parameters.a.lower: -Inf on a log scale, want > 0"},
		{optimizee.Space{{Name: "a", Lower: 0, Upper: 1.5, Kind: optimizee.Int}}, "parameters.a.upper: 1.5, want whole numbers"},
		{optimizee.Space{{Name: "a", Lower: 0, Upper: 1e17, Kind: optimizee.Int}}, "parameters.a.upper: 1e+17, want whole numbers"},
		{optimizee.Space{{Name: "a", Lower: 1, Upper: 2, Kind: optimizee.Int, Log: true}}, "parameters.a.scale: log, of the type int, want float"},
		{optimizee.Space{{Name: "a", Lower: -1.7e308, Upper: 1}}, "parameters.a.lower: -1.7e+308, want at most 1e+300 in magnitude"},
		{optimizee.Space{{Name: "a", Lower: 1, Upper: 1.7e308}}, "parameters.a.upper: 1.7e+308, want at most 1e+300 in magnitude"},
		{optimizee.Space{{Name: "a", Lower: -inf, Upper: inf, Std: 1e308}}, "parameters.a.std: 1e+308, want at most 1e+300 in magnitude"},
		{optimizee.Space{{Name: "a", Lower: -inf, Upper: inf, Mean: 1e301, Std: 1}}, "parameters.a.mean: 1e+301, want at most 1e+300 in magnitude"},
		{optimizee.Space{{Name: "a", Lower: 1, Upper: inf, Mean: 2, Std: 1e301, Log: true}}, "parameters.a.std: 1e+301, want at most"},
		{optimizee.Space{{Name: "a", Kind: optimizee.Categorical, Choices: []any{"x"}}}, "parameters.a.choices: 1 choices, want at least 2"},
		{optimizee.Space{{Name: "a", Kind: optimizee.Categorical, Choices: []any{"x", "y", "x"}}}, `"x" and "x" are both written as x`},
		{optimizee.Space{{Name: "a", Kind: optimizee.Categorical, Choices: []any{1, 1.0}}}, "are both written as 1"},
		{optimizee.Space{{Name: "a", Kind: optimizee.Categorical, Choices: []any{true, "true"}}}, "are both written as true"},
		{optimizee.Space{{Name: "a", Kind: optimizee.Categorical, Choices: []any{1, nil}}}, "want a text, a finite number, true or false"},
		{optimizee.Space{{Name: "a", Kind: optimizee.Categorical, Choices: []any{1, inf}}}, "want a text, a finite number, true or false"},
		{optimizee.Space{{Name: "a", Kind: optimizee.Categorical, Choices: []any{1, []any{1}}}}, "want a text, a finite number, true or false"},
		{optimizee.Space{{Name: "a", Kind: optimizee.Bool, Choices: []any{"x", "y"}}}, "parameters.a.choices: of the type bool"},
		{optimizee.Space{{Name: "a", Kind: 9}}, "parameters.a.type: 9, want float"},
		{optimizee.Space{{Name: "a", Upper: 1, Size: -1}}, "parameters.a.size: -1"},
	} {
		if err := c.space.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %s", c.space, err, c.want)
		}
	}
	if err := mixed().Check(); err != nil {
		t.Error(err)
	}
	all := optimizee.Space{{Name: "a", Lower: 5, Upper: 1}, {Name: "b", Upper: 1}, {Name: "c", Upper: 1, Log: true, Size: -1}}.Check()
	const want = "parameters.a.lower: 5, want lower < upper = 1; a value that is not searched is a constant, not a parameter\nparameters.c.size: -1, want >= 0\nparameters.c.lower: 0 on a log scale, want > 0"
	if all == nil || all.Error() != want {
		t.Errorf("%v\nwant\n%s", all, want)
	}
	if err := (optimizee.Space{{Name: "a", Lower: 1e-320, Upper: math.MaxFloat64, Log: true}, {Name: "b", Lower: -1e300, Upper: 1e300}}).Check(); err != nil {
		t.Error(err)
	}
}

func TestSpaceAccessByAWrongNameOrKindPanicsWithTheName(t *testing.T) {
	p, err := mixed().Decode(make([]float64, mixed().Dim()))
	if err != nil {
		t.Fatal(err)
	}
	for name, ask := range map[string]func(){
		`"tua"`: func() { p.Float("tua") }, `"on"`: func() { p.Int("on") }, `"w"`: func() { p.Float("w") }, `"v"`: func() { p.Vector("v") },
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.Contains(text, name) {
					t.Errorf("%s: panic %q", name, text)
				}
			}()
			ask()
		}()
	}
}

func TestObjectivesNeedANameADirectionAndASaneWeight(t *testing.T) {
	ok := optimizee.Objective{Name: "error", Direction: optimizee.Minimise}
	for _, c := range []struct {
		objectives []optimizee.Objective
		want       string
	}{
		{nil, "at least one"},
		{[]optimizee.Objective{{Direction: optimizee.Maximise}}, "no name"},
		{[]optimizee.Objective{{Name: "error"}}, "no direction"},
		{[]optimizee.Objective{ok, ok}, "twice"},
		{[]optimizee.Objective{{Name: "error", Direction: optimizee.Minimise, Weight: -1}}, "weight = -1"},
	} {
		if err := optimizee.CheckObjectives(c.objectives); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %s", c.objectives, err, c.want)
		}
	}
	if err := optimizee.CheckObjectives([]optimizee.Objective{ok}); err != nil {
		t.Error(err)
	}
}

func TestDecodedValuesShareThePointsMemoryWhereTheyAreTheSame(t *testing.T) {
	s := optimizee.Space{{Name: "w", Size: 4, Lower: -1, Upper: 1}, {Name: "n", Kind: optimizee.Int, Lower: -3, Upper: 3}}
	for _, c := range []struct {
		x, want []float64
		same    bool
	}{
		{[]float64{-0.5, 0, 0.25, 1, 2}, []float64{-0.5, 0, 0.25, 1, 2}, true},
		{[]float64{-0.5, 0, 0.25, 1, 2.2}, []float64{-0.5, 0, 0.25, 1, 2}, false},
		{[]float64{-2, 0, 3, 1, 2}, []float64{-1, 0, 1, 1, 2}, false},
		{[]float64{math.Inf(1), 0, math.Inf(-1), 1, -9}, []float64{1, 0, -1, 1, -3}, false},
	} {
		before := append([]float64{}, c.x...)
		p, err := s.Decode(c.x)
		if err != nil {
			t.Fatal(err)
		}
		w := p.Vector("w")
		if got := append(append([]float64{}, w...), float64(p.Int("n"))); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v is decoded as %v, want %v", c.x, got, c.want)
		}
		if !reflect.DeepEqual(c.x, before) {
			t.Errorf("decoding changes %v to %v", before, c.x)
		}
		if same := &w[0] == &c.x[0]; same != c.same {
			t.Errorf("%v: its memory is shared: %v, want %v", c.x, same, c.same)
		}
	}
}
