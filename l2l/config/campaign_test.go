package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// campaign reads a campaign, with a base beside it.
func campaign(t *testing.T, text string, assignments ...string) (string, []Member, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"sweep.yaml":    text,
		"base/run.yaml": "seed: 40\noptimizee: {type: bowl}\noptimizer: {type: cmaes}\noutput: {dir: elsewhere, sync: 2s}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return LoadCampaign("sweep.yaml", assignments, kinds)
}

func names(members []Member) string {
	var all []string
	for _, m := range members {
		all = append(all, m.Name)
	}
	return strings.Join(all, " ")
}

func TestCampaignHasARunForEachCombination(t *testing.T) {
	dir, members, err := campaign(t, `
base: base/run.yaml
runs: [{name: near, set: {optimizee.target: 1}}, {name: far, set: {optimizee: {type: bowl, target: 5}}}]
vary:
  optimizer: [{type: cmaes}, {type: cmaes, sigma: 0.1}, {type: lshade}]
  evaluation.replicates: [1, 4]
seeds: 2
`, "stop.evaluations=99")
	if err != nil {
		t.Fatal(err)
	}
	if got := names(members[:5]); dir != "runs/sweep" || len(members) != 24 || got != "near_cmaes-1_replicates=1_seed=40 near_cmaes-1_replicates=1_seed=41 "+
		"near_cmaes-1_replicates=4_seed=40 near_cmaes-1_replicates=4_seed=41 near_cmaes-2_replicates=1_seed=40" {
		t.Errorf("%s: %d runs, %s", dir, len(members), got)
	}
	last := members[23]
	p := last.Plan
	text, err := p.Effective()
	if err != nil {
		t.Fatal(err)
	}
	if last.Name != "far_lshade_replicates=4_seed=41" || p.Name != last.Name || p.Output.Dir != "runs/sweep/"+last.Name || p.Seed != 41 ||
		p.Evaluation.Replicates != 4 || p.Optimizer.Name != "lshade" || p.Stop.Evaluations != 99 || p.Output.Sync.Seconds() != 2 ||
		!strings.Contains(string(text), "target: 5\n") {
		t.Errorf("%s: %s", last.Name, text)
	}
	if o, err := p.NewOptimizee(); err != nil || filepath.Base(o.(*bowl).dir) != "base" {
		t.Errorf("%v, %+v: its paths start at the base's directory", err, o)
	}
}

func TestCampaignMayHaveItsBaseInIt(t *testing.T) {
	dir, members, err := campaign(t, "base: {optimizee: {type: bowl}, optimizer: {type: cmaes}}\nseeds: [7, 8]\noutput: {dir: there}\n")
	if err != nil || dir != "there" || names(members) != "seed=7 seed=8" || members[1].Plan.Seed != 8 || members[1].Plan.Output.Dir != "there/seed=8" {
		t.Errorf("%v, %s, %+v", err, dir, members)
	}
}

// What is wrong is told once, with its place, whether that is in the campaign's file or in the base's.
func TestCampaignIsRefusedWithTheRuleAndThePlace(t *testing.T) {
	const base = "base: {optimizee: {type: bowl}, optimizer: {type: cmaes}}\n"
	for text, want := range map[string]string{
		"seeds: 2\n":                                      "sweep.yaml: base: it is missing, want a section",
		"base: nowhere.yaml\nseeds: 2\n":                  "sweep.yaml:1:7: base: open nowhere.yaml: no such file",
		"base: 3\nseeds: 2\n":                             `sweep.yaml:1:7: base: "3", want a section with the keys of a configuration, or the path of one`,
		base:                                              "want runs, vary or seeds",
		base + "seed: [1]\n":                              "sweep.yaml:2:1: seed: unknown key; did you mean seeds?",
		base + "seeds: 0\n":                               `sweep.yaml:2:8: seeds: "0", want a list of seeds, or how many, 1 to 10000`,
		base + "seeds: []\n":                              "sweep.yaml:2:8: seeds: a list, want a list of seeds, or how many",
		base + "seeds: [1, 2, 1]\n":                       `sweep.yaml:2:15: seeds: "1" is there twice`,
		base + "seeds: [1, -2]\n":                         `sweep.yaml:2:12: seed: "-2", want a whole number`,
		base + "vary: {seed: [1]}\nseeds: 2\n":            "sweep.yaml:2:8: vary.seed: want a key that is there once, and not name",
		base + "vary: {output.dir: [a]}\n":                "sweep.yaml:2:8: vary.output.dir: want a key",
		base + "vary: {stop.generations: 3}\n":            `sweep.yaml:2:26: vary.stop.generations: "3", want a list of values`,
		base + "vary: {stop.generation: [3]}\nseeds: 3\n": "sweep.yaml:2:26: stop.generation: unknown key; did you mean generations?",
		base + "vary: {optimizer: [{type: cmase}]}\n":     `sweep.yaml:2:20: optimizer.type: unknown optimizer "cmase"; did you mean cmaes?`,
		base + "vary: {optimizer: [{type: cmaes}, {type: nsga2}]}\nseeds: 2\n":            "sweep.yaml:2:35: optimizer.type: nsga2: the problem does not suit",
		base + "runs: [{name: a, sets: {seed: 1}}]\n":                                     "sweep.yaml:2:18: runs[0].sets: unknown key; did you mean set?",
		base + "runs: [{name: a}, {name: a}]\n":                                           "sweep.yaml:2:19: runs[1]: want a name, which no other run has",
		base + "runs: [{set: {seed: 1}}]\n":                                               "sweep.yaml:2:8: runs[0]: want a name, which no other run has",
		base + "runs: [{name: a/b}]\n":                                                    `sweep.yaml: the run a/b: name: "a/b", want a name without slashes`,
		base + "runs: [{name: a, set: {seed.x: 1}}, {name: b}]\n":                         "sweep.yaml:2:32: seed: a section, want",
		"base: {optimizee: {type: bowl}, optimizer: {type: cmaes, sigma: 0}}\nseeds: 3\n": "sweep.yaml:1:65: optimizer.sigma = 0, want > 0 and <= 10",
		base + "seeds: 200\nvary: {stop.generations: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], evaluation.replicates: [1, 2, 3, 4, 5, 6]}\n": "more than 10000 runs",
	} {
		_, _, err := campaign(t, text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n%v\nwant %s", text, err, want)
			continue
		}
		if strings.Count(err.Error(), "sweep.yaml") != 1 {
			t.Errorf("%s\nis told more than once:\n%v", text, err)
		}
	}
	_, _, err := campaign(t, "base: base/run.yaml\nseeds: 3\n", "optimizee.target=9")
	if err == nil || strings.Count(err.Error(), "--set optimizee.target=9: optimizee.target = 9, want >= -5 and <= 5") != 1 {
		t.Errorf("%v", err)
	}
}
