package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// disturbance is something that happens to the processes of a run. strike reports whether it found them. code is what the program ends with then, if
// it does not end by itself before: launchers make of it what they like.
type disturbance struct {
	name   string
	code   int
	strike func(c *cycle, launcher int) bool
}

// The program's exit codes.
const (
	interrupted = 75
	killed      = 128 + int(syscall.SIGKILL)
)

// unheeded are the exit codes of a program that a signal ends before it heeds signals: during its start.
var unheeded = []int{128 + int(syscall.SIGHUP), 128 + int(syscall.SIGINT), 128 + int(syscall.SIGTERM)}

// crashed are exit codes that nothing which is done here explains: of a program that is ended by a fault of its own, as shells and as MPICH's launcher
// have them. (While it starts, MPICH has a rank crash when another one is ended by a signal. And now and then a launcher crashes itself when it is
// told to end: the kernel's log has named mpiexec.hydra and Open MPI's mpirun.)
var crashed = []int{int(syscall.SIGABRT), int(syscall.SIGSEGV), 128 + int(syscall.SIGABRT), 128 + int(syscall.SIGSEGV)}

var disturbances = []disturbance{
	{"KILL to all", killed, func(c *cycle, launcher int) bool { return c.send(syscall.SIGKILL, c.everything(launcher)...) }},
	{"KILL to a rank", killed, func(c *cycle, launcher int) bool { return c.send(syscall.SIGKILL, c.one(c.ranks(launcher))...) }},
	{"KILL to rank 0", killed, func(c *cycle, launcher int) bool { return c.send(syscall.SIGKILL, c.rank0(launcher)...) }},
	{"KILL to the launcher", killed, func(c *cycle, launcher int) bool { return c.send(syscall.SIGKILL, launcher) }},
	{"TERM to the launcher", interrupted, func(c *cycle, launcher int) bool { return c.send(syscall.SIGTERM, launcher) }},
	{"TERM to all", interrupted, func(c *cycle, launcher int) bool { return c.send(syscall.SIGTERM, c.everything(launcher)...) }},
	{"TERM to rank 0", interrupted, func(c *cycle, launcher int) bool { return c.send(syscall.SIGTERM, c.rank0(launcher)...) }},
	{"INT to all", interrupted, func(c *cycle, launcher int) bool { return c.send(syscall.SIGINT, c.everything(launcher)...) }},
	{"INT twice to the launcher", interrupted, func(c *cycle, launcher int) bool {
		struck := c.send(syscall.SIGINT, launcher)
		time.Sleep(30 * time.Millisecond)
		c.send(syscall.SIGINT, launcher)
		return struck
	}},
	{"HUP to all", interrupted, func(c *cycle, launcher int) bool { return c.send(syscall.SIGHUP, c.everything(launcher)...) }},
	{"STOP to a rank for a second", killed, func(c *cycle, launcher int) bool {
		rank := c.one(c.ranks(launcher))
		struck := c.send(syscall.SIGSTOP, rank...)
		time.Sleep(time.Second)
		c.send(syscall.SIGCONT, rank...)
		time.Sleep(100 * time.Millisecond)
		c.send(syscall.SIGKILL, c.everything(launcher)...) // it would go on as if nothing had been
		return struck
	}},
	{"KILL to the models, then to all", killed, func(c *cycle, launcher int) bool {
		struck := c.send(syscall.SIGSTOP, c.ranks(launcher)...) // so that no evaluation fails by it
		c.send(syscall.SIGKILL, c.children(launcher)...)
		c.send(syscall.SIGKILL, c.everything(launcher)...)
		return struck
	}},
}

func (c *cycle) send(signal syscall.Signal, pids ...int) (struck bool) {
	for _, pid := range pids {
		struck = syscall.Kill(pid, signal) == nil || struck
	}
	return struck
}

func (c *cycle) one(pids []int) []int {
	if len(pids) == 0 {
		return nil
	}
	i := c.rng.IntN(len(pids))
	return pids[i : i+1]
}

// everything are the launcher and all ranks. Those who guard the ranks' children are let alone: what nobody guards nobody can end.
func (c *cycle) everything(launcher int) []int { return append([]int{launcher}, c.ranks(launcher)...) }

// ranks are the processes that run the program itself, by their executable, but for those that guard others.
func (c *cycle) ranks(int) (pids []int) {
	for _, pid := range c.processes() {
		if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil && exe == c.program && !guards(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// guards reports whether a process is of the program and no rank: one that a rank has started to look after others.
func guards(pid int) bool {
	parent := parentOf(pid)
	mine, err1 := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	theirs, err2 := os.Readlink(fmt.Sprintf("/proc/%d/exe", parent))
	return err1 == nil && err2 == nil && mine == theirs
}

func parentOf(pid int) (parent int) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if at := bytes.LastIndexByte(b, ')'); err == nil && at > 0 {
		var state string
		_, _ = fmt.Sscan(string(b[at+1:]), &state, &parent) // 0 where it says nothing
	}
	return parent
}

// rank0 is the rank that says so in its environment, or the only one.
func (c *cycle) rank0(launcher int) []int {
	ranks := c.ranks(launcher)
	if len(ranks) <= 1 {
		return ranks
	}
	for _, pid := range ranks {
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		for _, v := range strings.Split(string(environ), "\x00") {
			if err == nil && (v == "PMI_RANK=0" || v == "OMPI_COMM_WORLD_RANK=0") {
				return []int{pid}
			}
		}
	}
	return nil
}

// children are the programs that ranks have started.
func (c *cycle) children(launcher int) []int {
	ranks := c.ranks(launcher)
	return slices.DeleteFunc(c.processes(), func(p int) bool {
		exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", p))
		return p == launcher || slices.Contains(ranks, p) || err != nil || exe == c.program || strings.HasPrefix(filepath.Base(exe), "mpi") ||
			strings.Contains(exe, "hydra") || strings.Contains(exe, "prte") || strings.Contains(exe, "orte")
	})
}
