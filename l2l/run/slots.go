package run

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/meta-optimization/l2l-mpi/l2l/batch"
	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
)

// hello is what a rank tells rank 0 of where it runs.
type hello struct {
	Host  string
	Build build
	CPUs  []int // that it may use
	// Given is the number of CPUs that the batch system says each task has; 0 where it says nothing.
	Given   int
	Devices gpus   // the GPUs that it may use
	Node    string // as Slurm calls it; "" elsewhere
}

// node is the node of a rank as people know it, which differs between any two. Its host is it alone, unless Slurm has several nodes on one host, as in a
// test, or the launcher gives all ranks the environment of one.
func (h hello) node() string {
	if short, _, _ := strings.Cut(h.Host, "."); h.Node == "" || h.Node == h.Host || h.Node == short {
		return h.Host
	}
	return h.Host + "/" + h.Node
}

func newHello() hello {
	h := hello{Build: thisBuild(), Given: batch.CPUs(), Devices: findGPUs(os.Getenv, files), Node: os.Getenv("SLURMD_NODENAME")}
	h.Host, _ = os.Hostname() // unknown hosts count as one
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err == nil {
		for cpu := range 64 * len(set) {
			if set.IsSet(cpu) {
				h.CPUs = append(h.CPUs, cpu)
			}
		}
	}
	return h
}

// mostSlots of a rank are what execution.slots may be.
const mostSlots = 100_000

// slotsOf is the number of slots of each rank: wanted, where it is not 0; or as many as find the CPUs that an evaluation needs among those
// that the batch system gave, or else in the rank's share of the CPUs that it may use, each shared equally among the ranks of the host that may use
// it. Every rank has at least one, but for relays, which have none. Ranks that only manage take no share of the CPUs: relays, and rank 0 unless
// it is alone.
func slotsOf(ranks []hello, levels dispatch.Levels, wanted, needed int) []int {
	type cpu struct {
		host   string
		number int
	}
	sharers := map[cpu]int{}
	for rank, h := range ranks {
		for _, n := range h.CPUs {
			if !levels.Manages(rank) {
				sharers[cpu{h.Host, n}]++
			}
		}
	}
	slots := make([]int, len(ranks))
	for rank, h := range ranks {
		share := 0.0
		for _, n := range h.CPUs {
			if !levels.Manages(rank) {
				share += 1 / float64(sharers[cpu{h.Host, n}])
			}
		}
		if h.Given > 0 {
			share = float64(h.Given)
			if len(h.CPUs) > 0 { // a step for which srun was not told of them has fewer than its job, and is held to those
				share = min(share, float64(len(h.CPUs)))
			}
		}
		slots[rank] = max(int(min(share+1e-9, mostSlots))/needed, 1)
		if wanted > 0 {
			slots[rank] = wanted
		}
		if levels.Relays(rank) {
			slots[rank] = 0
		}
	}
	return slots
}
