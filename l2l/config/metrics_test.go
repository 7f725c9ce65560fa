package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestMetricsAreOnThisMachineUnlessAHostIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"9400": "127.0.0.1:9400", ":9400": "127.0.0.1:9400", "127.0.0.1:0": "127.0.0.1:0", "0.0.0.0:9400": "0.0.0.0:9400", "[::1]:9400": "[::1]:9400", "": "",
	} {
		if got := (Output{Metrics: text}).MetricsAddress(); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	const run = "optimizee: {type: function}\noptimizer: {type: cmaes}\noutput: {metrics: '%s'}\n"
	for _, text := range []string{"localhost", "127.0.0.1:x", "127.0.0.1:65536", "http://127.0.0.1:9400", "a:b:c", "-1"} {
		want := fmt.Sprintf("output.metrics: %q, want host:port, or a port from 0 to 65535", text)
		if _, err := Parse("run.yaml", fmt.Appendf(nil, run, text), kinds); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	p, err := Parse("run.yaml", fmt.Appendf(nil, run, "9400"), kinds)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := p.Effective(); err != nil || !strings.Contains(string(text), "\n  metrics: \"9400\"\n") {
		t.Errorf("it is written out as %s, %v", text, err)
	}
}
