// Command mpienv runs a command with the flags that cgo needs to build with an MPI, which it takes from that MPI's compiler wrapper:
//
//	go run github.com/meta-optimization/l2l-mpi/mpi/mpienv mpicc go build -tags mpi .
//
// builds the program of any module that requires this one. The wrapper is that of the MPI which will start the program: mpicc, mpicc.mpich,
// mpiicc (Intel), cc (Cray).
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: mpienv WRAPPER COMMAND ARGUMENT ..., as in: mpienv mpicc go build -tags mpi .")
		os.Exit(2)
	}
	env, err := environ(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "mpienv:", err)
		os.Exit(1)
	}
	cmd := exec.Command(os.Args[2], os.Args[3:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		code := 1
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			code = max(exit.ExitCode(), 1) // -1 of a command that a signal ended
		} else {
			fmt.Fprintln(os.Stderr, "mpienv:", err)
		}
		os.Exit(code)
	}
}

// environ returns the variables that build with the MPI of the wrapper.
//
// The flags are in CGO_CFLAGS and CGO_LDFLAGS, which come before the flags that gompi has built in: these are the paths of one distribution's
// Open MPI. The wrapper as CC would not do, because its flags come after them.
func environ(wrapper string) ([]string, error) {
	if _, err := exec.LookPath(wrapper); err != nil {
		return nil, fmt.Errorf("there is no %s (%w): install an MPI, load its module, or name its compiler wrapper", wrapper, err)
	}
	var compile, link []string
	for _, ask := range [][2]string{
		{"--showme:compile", "--showme:link"},                  // Open MPI
		{"--cray-print-opts=cflags", "--cray-print-opts=libs"}, // Cray
		{"-compile_info", "-link_info"},                        // MPICH, Intel MPI, MVAPICH
	} {
		c, err := exec.Command(wrapper, ask[0]).Output()
		if err != nil {
			continue
		}
		l, err := exec.Command(wrapper, ask[1]).Output()
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", wrapper, ask[1], err)
		}
		compile, link = pick(c, "-I", "-D", "-pthread"), pick(l, "-L", "-l", "-Wl,", "-pthread")
		break
	}
	if link == nil {
		return nil, fmt.Errorf("%s does not tell its flags: want the compiler wrapper of Open MPI, MPICH, Intel MPI, MVAPICH or Cray MPICH", wrapper)
	}
	cflags := os.Getenv("CGO_CFLAGS")
	if cflags == "" {
		cflags = "-O2 -g" // what go takes without the variable
	}
	// --as-needed drops the library that gompi names when the one before has everything: two MPIs in a process crash.
	link = append(link, "-Wl,--as-needed")
	return []string{
		"CGO_ENABLED=1",
		"CGO_CFLAGS=" + cflags + " " + strings.Join(compile, " "),
		"CGO_LDFLAGS=" + strings.TrimSpace(os.Getenv("CGO_LDFLAGS")+" "+strings.Join(link, " ")),
	}, nil
}

// pick returns those words of what a wrapper prints that are flags of the kinds.
func pick(printed []byte, kinds ...string) []string {
	return slices.DeleteFunc(strings.Fields(string(printed)), func(word string) bool {
		return !slices.ContainsFunc(kinds, func(kind string) bool { return strings.HasPrefix(word, kind) })
	})
}
