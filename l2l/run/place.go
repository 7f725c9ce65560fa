package run

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// The environment variables by which a program is told which GPUs it may use, by the kinds of GPUs. Programs for AMD's heed both, the second one
// within what the first one leaves: so one alone is set.
const (
	nvidia = "CUDA_VISIBLE_DEVICES"
	amd    = "ROCR_VISIBLE_DEVICES"
)

// gpus are the GPUs that a rank may use, as a variable of the environment names them.
type gpus struct {
	Variable string // "" where there are none
	Names    []string
}

// findGPUs looks for the GPUs of this process: those that a batch system, or whoever started it, lets it use, or else those of the node. devices lists
// files by a pattern.
func findGPUs(getenv func(string) string, devices func(pattern string) []string) gpus {
	kfd := len(devices("/dev/kfd")) > 0
	for _, variable := range []string{amd, nvidia} {
		if list := strings.FieldsFunc(getenv(variable), func(r rune) bool { return r == ',' || r == ' ' }); len(list) > 0 {
			if list[0] == "NoDevFiles" || strings.HasPrefix(list[0], "-") { // Slurm's way, and the user's, to say that there are none
				return gpus{}
			}
			return gpus{variable, list}
		}
	}
	g := gpus{Variable: nvidia}
	n := len(devices("/dev/nvidia[0-9]*"))
	if n == 0 && kfd {
		g.Variable = amd
		n = len(devices("/dev/dri/renderD*"))
	}
	if of, err := strconv.Atoi(getenv("SLURM_GPUS_ON_NODE")); err == nil && n > 0 { // of the job, which sees others where Slurm does not hide them
		n = min(n, of)
	}
	for i := range n {
		g.Names = append(g.Names, strconv.Itoa(i))
	}
	if n == 0 {
		return gpus{}
	}
	return g
}

// files lists the files of a pattern.
func files(pattern string) []string {
	list, _ := filepath.Glob(pattern) // the patterns are in order
	return list
}

// seat is where the slots of a rank are among those that share something with them: they are number From and the next ones, of Of.
type seat struct{ From, Of int }

// seats are those of all ranks, which share what has the same text; rank 0 has no slots unless it is alone.
func seats(slots []int, text func(rank int) string) []seat {
	of, all := map[string]int{}, make([]seat, len(slots))
	for rank, n := range slots {
		if rank > 0 || len(slots) == 1 {
			all[rank].From = of[text(rank)]
			of[text(rank)] += n
		}
	}
	for rank := range all {
		all[rank].Of = of[text(rank)]
	}
	return all
}

// withGPUs are slots of ranks, of which each finds so many GPUs, but for one on each rank that has any.
func withGPUs(ranks []hello, slots []int, gpusPerSlot int) []int {
	ones := make([]int, len(slots))
	for rank, n := range slots {
		ones[rank] = min(n, 1)
	}
	sharers := seats(ones, func(rank int) string { return fmt.Sprint(ranks[rank].Host, ranks[rank].Devices) })
	fewer := slices.Clone(slots)
	for rank := range fewer {
		if gpusPerSlot > 0 && sharers[rank].Of > 0 {
			fewer[rank] = min(max(len(ranks[rank].Devices.Names)/(gpusPerSlot*sharers[rank].Of), 1), fewer[rank])
		}
	}
	return fewer
}

// placement says which GPUs and CPUs the slots of a rank have.
type placement struct{ GPU, CPU seat }

// placements are those of all ranks. Ranks of a host that may use the same GPUs share them, and so they do with CPUs. There is an error if slots are to have
// more GPUs than there are.
func placements(ranks []hello, slots []int, gpusPerSlot int) ([]placement, error) {
	byGPUs := seats(slots, func(rank int) string { return fmt.Sprint(ranks[rank].Host, ranks[rank].Devices) })
	byCPUs := seats(slots, func(rank int) string { return fmt.Sprint(ranks[rank].Host, ranks[rank].CPUs) })
	all := make([]placement, len(ranks))
	for rank := range all {
		all[rank] = placement{byGPUs[rank], byCPUs[rank]}
		if of, have := byGPUs[rank].Of, len(ranks[rank].Devices.Names); gpusPerSlot > 0 && of*gpusPerSlot > have && (rank > 0 || len(ranks) == 1) {
			return nil, fmt.Errorf("execution.gpus_per_slot = %d: the %d slots on %s need %d GPUs, and there are %d; want fewer slots on each rank, or auto",
				gpusPerSlot, of, ranks[rank].Host, of*gpusPerSlot, have)
		}
	}
	return all, nil
}

// place is the place of a slot of a rank. Slots that are to share GPUs, by gpusPerSlot below 0, have as many as there are for each, or one with others.
func (p placement) place(h hello, rank, slot, gpusPerSlot int) optimizee.Place {
	at := optimizee.Place{Rank: rank, Slot: slot}
	if each := len(h.CPUs) / max(p.CPU.Of, 1); each > 0 {
		from := (p.CPU.From + slot) * each
		at.CPUs = h.CPUs[from : from+each]
	}
	all, number := h.Devices.Names, p.GPU.From+slot
	each := gpusPerSlot
	if each < 0 {
		each = len(all) / max(p.GPU.Of, 1)
	}
	switch {
	case gpusPerSlot == 0 || len(all) == 0:
		return at
	case each == 0:
		at.GPUs = all[number%len(all):][:1]
	default:
		at.GPUs = all[number*each:][:each]
	}
	at.Variable = h.Devices.Variable
	return at
}

// placeEntry is where a rank is, in manifest.json.
type placeEntry struct {
	Rank  int      `json:"rank"`
	Host  string   `json:"host"`
	Slots int      `json:"slots"`
	CPUs  string   `json:"cpus,omitempty"` // that the rank may use
	GPUs  []string `json:"gpus,omitempty"` // of each slot
}

// placed are the places of all ranks with slots.
func (r *leader) placed() (entries []placeEntry) {
	seats := r.seats()
	for rank, h := range r.ranks {
		if r.levels.Manages(rank) || seats[rank] == 0 {
			continue
		}
		e := placeEntry{Rank: rank, Host: h.Host, Slots: seats[rank], CPUs: optimizee.Place{CPUs: h.CPUs}.CPUList()}
		for slot := range seats[rank] {
			at := r.places[rank].place(h, rank, slot, r.Execution.GPUsPerSlot)
			if len(at.GPUs) > 0 {
				e.GPUs = append(e.GPUs, strings.Join(at.GPUs, ","))
			}
		}
		entries = append(entries, e)
	}
	return entries
}

// tellPlaces tells where slots are that have GPUs, a line for each rank of the first hosts: manifest.json has all.
func (r *leader) tellPlaces() {
	const hosts = 4
	var told []string
	for _, e := range r.placed() {
		if len(e.GPUs) == 0 {
			continue
		}
		if !slices.Contains(told, e.Host) {
			if told = append(told, e.Host); len(told) > hosts {
				r.log.Info().Msg("the GPUs of further hosts are in manifest.json")
				return
			}
		}
		r.log.Info().Int("rank", e.Rank).Str("host", e.Host).Strs("gpus", e.GPUs).Msg("the slots have GPUs")
	}
}
