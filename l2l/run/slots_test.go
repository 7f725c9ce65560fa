package run

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
)

func TestSlotsAreTheRanksShareOfTheirCPUs(t *testing.T) {
	cpus := func(host string, from, to int) hello {
		h := hello{Host: host}
		for i := from; i < to; i++ {
			h.CPUs = append(h.CPUs, i)
		}
		return h
	}
	given, bound := cpus("a", 0, 64), cpus("a", 2, 3)
	given.Given, bound.Given = 8, 8
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
		"as Slurm gave, to no known CPUs": {[]hello{{Host: "a", Given: 4}}, 0, 1, []int{4}},
		"bound to fewer than Slurm gave":  {[]hello{given, given, bound}, 0, 1, []int{8, 1}},
		"as wanted":                       {[]hello{given, given, given}, 3, 1, []int{3, 3}},
		"as wanted, of wide evaluations":  {[]hello{given, given, given}, 3, 4, []int{3, 3}},
		"as Slurm gave, of wide ones":     {[]hello{given, given, given}, 0, 3, []int{2, 2}},
		"more than any":                   {[]hello{{}, {Given: 1 << 62}}, 0, 1, []int{100_000}},
		"wide evaluations":                {[]hello{cpus("a", 0, 8), cpus("a", 0, 8), cpus("a", 0, 8)}, 0, 2, []int{2, 2}},
		"wider evaluations than ranks":    {[]hello{cpus("a", 0, 8), cpus("a", 0, 8), cpus("a", 0, 8)}, 0, 16, []int{1, 1}},
		"a host that tells of no CPU":     {[]hello{{Host: "a"}, {Host: "a"}}, 0, 1, []int{1}},
		"bound to more than rank 0 is to": {[]hello{cpus("a", 0, 1), cpus("a", 0, 4)}, 0, 1, []int{4}},
	} {
		got := slotsOf(c.ranks, make(dispatch.Levels, len(c.ranks)), c.wanted, c.needed)
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

func TestRanksOfTwoNodesAreToldApart(t *testing.T) {
	for _, c := range []struct{ host, node, want string }{
		{"a", "", "a"}, {"a", "a", "a"}, {"a.site.org", "a", "a.site.org"}, {"a.site.org", "a.site.org", "a.site.org"},
		{"a", "n1", "a/n1"}, {"b", "a", "b/a"}, {"", "n1", "/n1"}, {"", "", ""},
	} {
		if got := (hello{Host: c.host, Node: c.node}).node(); got != c.want {
			t.Errorf("host %q, node %q: %q, want %q", c.host, c.node, got, c.want)
		}
	}
}
