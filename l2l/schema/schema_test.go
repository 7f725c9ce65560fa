package schema_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
)

type common struct {
	Seed int `yaml:"seed" doc:"where randomness starts"`
}

type inner struct {
	Level float64 `yaml:"level" range:"(0, 1]"`
}

type sample struct {
	common
	PopSize int               `yaml:"pop_size" doc:"individuals" range:"[2, inf)" auto:"10 n"`
	Rate    float64           `yaml:"rate,omitempty" unit:"1/s" range:"(0, 1)"`
	Kind    string            `yaml:"kind" range:"blend | uniform"`
	Steps   []float64         `yaml:"steps" range:"[0, 5]"`
	Wait    time.Duration     `yaml:"wait"`
	Inner   inner             `yaml:"inner"`
	Named   schema.Map[inner] `yaml:"named"`
	Hidden  int
	Off     int `yaml:"-"`
}

func valid() sample {
	return sample{Rate: 0.5, Kind: "blend", Steps: []float64{0, 5}, Inner: inner{1}}
}

func TestFieldsFollowDeclarationOrderAndLeaveOutTheRest(t *testing.T) {
	s := valid()
	var keys, types []string
	for _, f := range schema.Fields(&s) {
		keys, types = append(keys, f.Key), append(types, f.Type())
	}
	if got := strings.Join(keys, " "); got != "seed pop_size rate kind steps wait inner named" {
		t.Errorf("keys: %s", got)
	}
	if got := strings.Join(types, ", "); got != "whole number, whole number, number, text, list of number, duration, section, names to section" {
		t.Errorf("types: %s", got)
	}
}

func TestCheckNamesAValueOutOfRangeAndItsRule(t *testing.T) {
	for _, c := range []struct {
		change func(*sample)
		want   string // "" for valid
	}{
		{func(s *sample) {}, ""},
		{func(s *sample) { s.PopSize = 1 }, "optimizer.pop_size = 1, want >= 2"},
		{func(s *sample) { s.Rate = 0 }, "optimizer.rate = 0, want > 0 and < 1"},
		{func(s *sample) { s.Rate = 1 }, "optimizer.rate = 1, want > 0 and < 1"},
		{func(s *sample) { s.Rate = math.NaN() }, "optimizer.rate = NaN, want > 0 and < 1"},
		{func(s *sample) { s.Kind = "bland" }, `optimizer.kind = "bland", want blend or uniform`},
		{func(s *sample) { s.Steps = []float64{1, -1} }, "optimizer.steps[1] = -1, want >= 0 and <= 5"},
		{func(s *sample) { s.Inner.Level = 2 }, "optimizer.inner.level = 2, want > 0 and <= 1"},
	} {
		s := valid()
		c.change(&s)
		got := ""
		if err := schema.Check("optimizer", s); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestCheckReportsEveryViolation(t *testing.T) {
	s := valid()
	s.PopSize, s.Rate = -1, 7
	if err := schema.Check("", s); strings.Count(err.Error(), "want") != 2 {
		t.Errorf("got %v", err)
	}
}

func TestFieldDefaultIsShownAsItsUserWouldWriteIt(t *testing.T) {
	s := valid()
	s.Wait = 90 * time.Second
	want := []string{"0", "auto: 10 n", "0.5", "blend", "[0 5]", "1m30s"}
	for i, f := range schema.Fields(s)[:len(want)] {
		if f.Default() != want[i] {
			t.Errorf("%s: %q, want %q", f.Key, f.Default(), want[i])
		}
	}
}

func TestCheckPanicsAtOnceForAMalformedRange(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	_ = schema.Check("", struct {
		X int `yaml:"x" range:"[1; 2]"`
	}{})
}

func TestMapKeepsItsOrderAndItsEntriesAreChecked(t *testing.T) {
	s := valid()
	for i, key := range []string{"b", "a", "c"} {
		s.Named.Append(key).(*inner).Level = float64(i)
	}
	var keys []string
	for key, value := range s.Named.All() {
		keys = append(keys, key)
		value.(*inner).Level += 0.5
	}
	if got := strings.Join(keys, " "); got != "b a c" || s.Named[2].Value.Level != 2.5 {
		t.Errorf("%s: %v", got, s.Named)
	}
	err := schema.Check("optimizee", &s)
	if err == nil || err.Error() != "optimizee.named.a.level = 1.5, want > 0 and <= 1\noptimizee.named.c.level = 2.5, want > 0 and <= 1" {
		t.Errorf("got %v", err)
	}
	if _, ok := s.Named.New().(*inner); !ok {
		t.Errorf("New is a %T", s.Named.New())
	}
}

func TestFieldsThatAreOmittedAreMarked(t *testing.T) {
	for _, f := range schema.Fields(valid()) {
		if f.Omit != (f.Key == "rate") {
			t.Errorf("%s: omit = %v", f.Key, f.Omit)
		}
	}
}

type surroundings struct {
	Env   map[string]string `yaml:"env"`
	Grace time.Duration     `yaml:"grace"`
}

func TestFreeFieldsAreThoseThatAResumedRunMayChange(t *testing.T) {
	type entry struct {
		Size int    `yaml:"size"`
		Doc  string `yaml:"doc" resume:"free"`
	}
	v := &struct {
		surroundings `resume:"free"`
		PopSize      int           `yaml:"pop_size"`
		Timeout      time.Duration `yaml:"timeout" resume:"free"`
		Stop         struct {
			N int `yaml:"n"`
		} `yaml:"stop" resume:"free"`
		Inner struct {
			N int `yaml:"n"`
		} `yaml:"inner"`
		Named schema.Map[entry] `yaml:"named"`
	}{}
	for path, want := range map[string]bool{
		"env": true, "env.PATH": true, "grace": true, "pop_size": false, "timeout": true, "stop": true, "stop.n": true, "inner": false, "inner.n": false,
		"named": false, "named.x": false, "named.x.size": false, "named.x.doc": true, "named.x.y.doc": true, "nothing": false, "": false,
	} {
		if got := schema.Free(v, path); got != want {
			t.Errorf("%q: %v, want %v", path, got, want)
		}
	}
}

func TestZeroThatIsGivenIsNotAuto(t *testing.T) {
	s := valid()
	for _, f := range schema.Fields(&s) {
		if f.Key != "pop_size" {
			continue
		}
		if err := f.Check(); err != nil {
			t.Error(err)
		}
		if err := f.CheckGiven(); err == nil || err.Error() != "pop_size = 0, want >= 2, or auto" {
			t.Errorf("got %v", err)
		}
	}
}

// Where zero has a meaning of its own, another number stands for what is chosen automatically.
func TestAutoMayBeANumberOtherThanZero(t *testing.T) {
	c := struct {
		Limit int `yaml:"limit" range:"[0, inf)" auto:"as long as it takes" autois:"-1"`
	}{-1}
	f := schema.Fields(&c)[0]
	if err := f.Check(); err != nil || !f.IsAuto() || f.Default() != "auto: as long as it takes" {
		t.Errorf("%v, auto %v, default %q", err, f.IsAuto(), f.Default())
	}
	if err := f.CheckGiven(); err == nil || err.Error() != "limit = -1, want >= 0, or auto" {
		t.Errorf("-1 that is given: %v", err)
	}
	c.Limit = 0
	if err := f.CheckGiven(); err != nil || f.IsAuto() || f.Default() != "0" {
		t.Errorf("%v, auto %v, default %q", err, f.IsAuto(), f.Default())
	}
	if f.SetAuto(); c.Limit != -1 {
		t.Errorf("SetAuto made it %d", c.Limit)
	}
}
