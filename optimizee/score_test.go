package optimizee

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
)

func TestScoresAreAnObjectInTheirOrder(t *testing.T) {
	all := Scores{{"training", "steps", 6}, {"training", "first, ms", 0.25}, {"held out", "steps", 10}, {"", "a \"b\"", -1e-7}}
	b, err := json.Marshal(all)
	if want := `{"training":{"steps":6,"first, ms":0.25},"held out":{"steps":10},"a \"b\"":-1e-7}`; err != nil || string(b) != want {
		t.Errorf("%s, %v; want %s", b, err, want)
	}
	var read Scores
	if err := json.Unmarshal(b, &read); err != nil || !reflect.DeepEqual(read, all) {
		t.Errorf("%v, %v; want %v", read, err, all)
	}
	if b, err = json.Marshal(Scores{{"", "x", math.NaN()}, {"", "y", math.Inf(1)}}); err != nil || string(b) != `{"x":null,"y":null}` {
		t.Errorf("%s, %v", b, err)
	}
	if err := json.Unmarshal(b, &read); err != nil || len(read) != 0 {
		t.Errorf("of null: %v, %v", read, err)
	}
	if v := all.Value("held out", "first, ms"); !math.IsNaN(v) || all.Value("held out", "steps") != 10 {
		t.Errorf("%v", v)
	}
	for _, text := range []string{`[1]`, `3`, `{"a": "b"}`, `{"a": {"b": {"c": 1}}}`, `{"a": 1, "a": 1}`, `{"a": true}`, `{"a": 1e999}`} {
		if err := json.Unmarshal([]byte(text), &read); err == nil {
			t.Errorf("%s is read as %v", text, read)
		}
	}
}
