package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizee/process"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

func TestGPUsAreThoseThatTheBatchSystemGaveOrElseThoseOfTheNode(t *testing.T) {
	for _, c := range []struct {
		env     map[string]string
		devices map[string]int
		want    string
	}{
		{nil, nil, "{ []}"},
		{map[string]string{nvidia: "2,3"}, nil, "{CUDA_VISIBLE_DEVICES [2 3]}"},
		{map[string]string{nvidia: "MIG-1a, MIG-2b"}, nil, "{CUDA_VISIBLE_DEVICES [MIG-1a MIG-2b]}"},
		{map[string]string{nvidia: "0,1", amd: "4,5"}, nil, "{ROCR_VISIBLE_DEVICES [4 5]}"},
		{map[string]string{nvidia: "-1"}, map[string]int{"/dev/nvidia[0-9]*": 4}, "{ []}"},
		{map[string]string{nvidia: "NoDevFiles"}, nil, "{ []}"},
		{nil, map[string]int{"/dev/nvidia[0-9]*": 3}, "{CUDA_VISIBLE_DEVICES [0 1 2]}"},
		{map[string]string{"SLURM_GPUS_ON_NODE": "2"}, map[string]int{"/dev/nvidia[0-9]*": 3}, "{CUDA_VISIBLE_DEVICES [0 1]}"},
		{map[string]string{"SLURM_GPUS_ON_NODE": "2"}, nil, "{ []}"},
		{nil, map[string]int{"/dev/kfd": 1, "/dev/dri/renderD*": 2}, "{ROCR_VISIBLE_DEVICES [0 1]}"},
	} {
		got := findGPUs(func(name string) string { return c.env[name] }, func(pattern string) []string { return make([]string, c.devices[pattern]) })
		if fmt.Sprint(got) != c.want {
			t.Errorf("%v, %v: %v, want %s", c.env, c.devices, got, c.want)
		}
	}
}

func TestSlotsOfANodeShareItsGPUsAndItsCPUs(t *testing.T) {
	node := func(host string, cpus int, names ...string) hello {
		h := hello{Host: host, Devices: gpus{nvidia, names}}
		for i := range cpus {
			h.CPUs = append(h.CPUs, i)
		}
		return h
	}
	four := []string{"0", "1", "2", "3"}
	for name, c := range map[string]struct {
		ranks       []hello
		slots       []int
		gpusPerSlot int
		want        string // GPUs and CPUs of each slot
	}{
		"a rank with four slots": {[]hello{node("a", 8, four...)}, []int{4}, -1, "0:0:0-1 0:1:2-3 0:2:4-5 0:3:6-7"},
		"ranks of one slot": {
			[]hello{node("a", 4, four...), node("a", 4, four...), node("a", 4, four...), node("b", 4, four...)}, []int{1, 1, 1, 1}, -1, "1:0,1:0-1 2:2,3:2-3 3:0,1,2,3:0-3",
		},
		"more slots than GPUs, or CPUs":       {[]hello{node("a", 3, "7", "8")}, []int{5}, -1, "0:7: 0:8: 0:7: 0:8: 0:7:"},
		"two for each":                        {[]hello{node("a", 2, four...)}, []int{2}, 2, "0:0,1:0 0:2,3:1"},
		"one for each, of many":               {[]hello{node("a", 2, four...)}, []int{2}, 1, "0:0:0 0:1:1"},
		"each rank was given its own":         {[]hello{node("a", 1), node("a", 1, "0"), node("a", 1, "1")}, []int{1, 1, 1}, -1, "1:0: 2:1:"},
		"none wanted":                         {[]hello{node("a", 2, four...)}, []int{2}, 0, "0::0 0::1"},
		"none there":                          {[]hello{node("a", 2)}, []int{2}, -1, "0::0 0::1"},
		"more wanted than there are":          {[]hello{node("a", 2, four...)}, []int{3}, 2, "execution.gpus_per_slot = 2: the 3 slots on a need 6 GPUs, and there are 4"},
		"more wanted, on two ranks of a node": {[]hello{node("a", 2), node("a", 2, "0"), node("a", 2, "0")}, []int{1, 1, 1}, 1, "the 2 slots on a need 2 GPUs, and there are 1"},
	} {
		var parts []string
		all, err := placements(c.ranks, c.slots, c.gpusPerSlot)
		if err != nil {
			parts = []string{err.Error()}
		}
		for rank := range all {
			for slot := range c.slots[rank] {
				if rank > 0 || len(all) == 1 {
					at := all[rank].place(c.ranks[rank], rank, slot, c.gpusPerSlot)
					parts = append(parts, fmt.Sprintf("%d:%s:%s", at.Rank, strings.Join(at.GPUs, ","), at.CPUList()))
				}
			}
		}
		if got := strings.Join(parts, " "); got != c.want && (err == nil || !strings.Contains(got, c.want)) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	ranks := []hello{node("a", 64, four...), node("a", 64, four...), node("a", 64, four...), node("b", 64)}
	if got := withGPUs(ranks, []int{9, 9, 9, 9}, 1); !slices.Equal(got[1:], []int{2, 2, 1}) {
		t.Errorf("slots with a GPU each: %v", got)
	}
	if got := withGPUs(ranks, []int{9, 9, 9, 9}, -1); !slices.Equal(got[1:], []int{9, 9, 9}) {
		t.Errorf("slots that share GPUs: %v", got)
	}
}

func TestProgramsAreToldTheirSlotsAndGPUs(t *testing.T) {
	t.Setenv(nvidia, "4,5")
	t.Setenv(amd, "")
	for setting, want := range map[string][]string{"": {"0 0 4", "0 1 5"}, "execution.gpus_per_slot=0": {"0 0 4,5", "0 1 4,5"}} {
		dir := t.TempDir()
		yaml := filepath.Join(dir, "run.yaml")
		text := `optimizee: {type: process, mode: oneshot, command: [sh, "` + dir + `/told.sh", "{x}"],
  parameters: {x: {lower: 0, upper: 1}}, objectives: {y: minimise}}
optimizer: {type: random, pop_size: 12}
stop: {generations: 1}
execution: {slots: 2, timeout: 2m}
`
		// None ends before each slot has had one.
		const script = `cd "${0%/*}"
echo $L2L_RANK $L2L_SLOT $CUDA_VISIBLE_DEVICES >> places
until [ $(sort -u places | wc -l) -ge 2 ]; do sleep 0.01; done
echo $1
`
		if err := errors.Join(os.WriteFile(yaml, []byte(text), 0o666), os.WriteFile(filepath.Join(dir, "told.sh"), []byte(script), 0o666)); err != nil {
			t.Fatal(err)
		}
		var set []string
		if setting != "" {
			set = []string{setting}
		}
		plan, err := config.Load(yaml, set, config.Kinds{Optimizees: []optimizee.Type{process.Type}, Optimizers: catalogue.All()})
		if err != nil {
			t.Fatal(err)
		}
		plan = plan.In(filepath.Join(dir, "out"))
		result, err := Run(t.Context(), mpi.Local(1)[0], plan)
		if err != nil || result.Reason.Rule != l2l.Generations {
			t.Fatal(result.Reason, err)
		}
		lines := strings.Split(strings.TrimSpace(fileText(t, filepath.Join(dir, "places"))), "\n")
		slices.Sort(lines)
		if got := slices.Compact(lines); !slices.Equal(got, want) {
			t.Errorf("%s: programs were told %q, want %q", setting, got, want)
		}
		var manifest struct{ Placement []placeEntry }
		if err := json.Unmarshal([]byte(fileText(t, filepath.Join(dir, "out", "manifest.json"))), &manifest); err != nil {
			t.Fatal(err)
		}
		gpus := []string{"4", "5"}
		if setting != "" {
			gpus = nil
		}
		if p := manifest.Placement; len(p) != 1 || p[0].Slots != 2 || !slices.Equal(p[0].GPUs, gpus) {
			t.Errorf("%s: the manifest has %+v", setting, manifest.Placement)
		}
	}
}
