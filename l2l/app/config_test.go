package app

import (
	"strings"
	"testing"
)

// FuzzConfiguration reads configurations of any origin: they give a plan or an error, and a plan's effective configuration gives the
// same plan again.
func FuzzConfiguration(f *testing.F) {
	f.Add("name: a\noptimizee: {type: moody}\noptimizer: {type: cmaes}\n", "stop.generations=3")
	f.Add("optimizee: {type: function, name: zdt1, dim: 3, delay: 1ms}\noptimizer: &a {type: random, pop_size: 1e3}\nstop: {target: .inf}\n", "seed=0x10")
	f.Add("a: &a [*a]\n<<: {}\n? [x]\n: y\n---\n{}", "a.b.c=[1")
	f.Add("optimizee: {type: moody}\noptimizer: {type: genetic, elite: -1}\nname: null\nexecution: {slots: auto, on_failure: }", "execution.on_failure={}")
	f.Add("optimizee: {type: process, command: sh x, parameters: {a: {lower: 1, upper: 2}, b: {choices: [x, y], size: 2}, c: {std: 1}}, objectives: {e: minimise}, "+
		"constants: {a: [1, {b: c}]}, env: {A: b}}\noptimizer: {type: random}", "optimizee.mode=oneshot")
	f.Add("optimizee: {type: process, command: [sh, '{a}'], mode: oneshot, fitness: {regex: (.)}, parameters: {a: {type: bool}}, objectives: {e: {direction: maximise}}}\n"+
		"optimizer: {type: random}", "optimizee.files=[]")
	f.Fuzz(func(t *testing.T, text, assignment string) {
		types := append(Types(), moody)
		p, err := loadText("fuzz.yaml", []byte(text), []string{assignment}, types)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Fatal("an error without a text")
			}
			return
		}
		effective, err := p.effective()
		if err != nil {
			t.Fatal(err)
		}
		again, err := loadText("effective.yaml", effective, nil, types)
		if err != nil {
			t.Fatalf("the effective configuration is refused: %v\n%s", err, effective)
		}
		if err := again.resumable(string(effective)); err != nil {
			t.Fatalf("the effective configuration differs from itself: %v", err)
		}
	})
}

func TestSlotsAreTheRanksShareOfTheirCPUs(t *testing.T) {
	cpus := func(host string, from, to int) hello {
		h := hello{Host: host}
		for i := from; i < to; i++ {
			h.CPUs = append(h.CPUs, i)
		}
		return h
	}
	given := cpus("a", 0, 64)
	given.Given = 8
	for name, c := range map[string]struct {
		ranks  []hello
		wanted int
		needed int
		want   []int // without rank 0, unless it is alone
	}{
		"alone":                           {[]hello{cpus("a", 0, 2)}, 0, 1, []int{2}},
		"two workers share a host":        {[]hello{cpus("a", 0, 8), cpus("a", 0, 8), cpus("a", 0, 8)}, 0, 1, []int{4, 4}},
		"more workers than CPUs":          {[]hello{cpus("a", 0, 2), cpus("a", 0, 2), cpus("a", 0, 2), cpus("a", 0, 2)}, 0, 1, []int{1, 1, 1}},
		"bound apart":                     {[]hello{cpus("a", 0, 4), cpus("a", 4, 8), cpus("a", 8, 12)}, 0, 1, []int{4, 4}},
		"two hosts":                       {[]hello{cpus("a", 0, 4), cpus("a", 0, 4), cpus("b", 0, 4)}, 0, 1, []int{4, 4}},
		"as Slurm gave":                   {[]hello{given, given, given}, 0, 1, []int{8, 8}},
		"as wanted":                       {[]hello{given, given, given}, 3, 1, []int{3, 3}},
		"as wanted, of wide evaluations":  {[]hello{given, given, given}, 3, 4, []int{3, 3}},
		"as Slurm gave, of wide ones":     {[]hello{given, given, given}, 0, 3, []int{2, 2}},
		"wide evaluations":                {[]hello{cpus("a", 0, 8), cpus("a", 0, 8), cpus("a", 0, 8)}, 0, 2, []int{2, 2}},
		"wider evaluations than ranks":    {[]hello{cpus("a", 0, 8), cpus("a", 0, 8), cpus("a", 0, 8)}, 0, 16, []int{1, 1}},
		"a host that tells of no CPU":     {[]hello{{Host: "a"}, {Host: "a"}}, 0, 1, []int{1}},
		"bound to more than rank 0 is to": {[]hello{cpus("a", 0, 1), cpus("a", 0, 4)}, 0, 1, []int{4}},
	} {
		got := slotsOf(c.ranks, c.wanted, c.needed)
		if len(got) > 1 {
			got = got[1:]
		}
		if len(got) != len(c.want) {
			t.Fatalf("%s: %v", name, got)
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: slots %v, want %v", name, got, c.want)
			}
		}
	}
}
