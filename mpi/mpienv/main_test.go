package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMPIEnvTakesTheFlagsOfEveryKindOfWrapper asks programs that answer like the wrappers of each MPI. With those that are there, make test-mpi
// builds.
func TestMPIEnvTakesTheFlagsOfEveryKindOfWrapper(t *testing.T) {
	t.Setenv("CGO_CFLAGS", "")
	t.Setenv("CGO_LDFLAGS", "-L/mine")
	for name, c := range map[string]struct{ script, cflags, ldflags string }{
		"Open MPI": {
			`case $1 in --showme:compile) echo -I/ompi/include -pthread;;
			--showme:link) echo -pthread -L/ompi/lib -Wl,-rpath -Wl,/ompi/lib -lmpi;; *) exit 1;; esac`,
			"-O2 -g -I/ompi/include -pthread", "-L/mine -pthread -L/ompi/lib -Wl,-rpath -Wl,/ompi/lib -lmpi -Wl,--as-needed",
		},
		"MPICH": {
			`case $1 in -compile_info) echo gcc -fstack-protector -I/mpich;;
			-link_info) echo gcc -O2 -Wl,-z,relro -I/mpich -L/mpich/lib -lmpich;; *) exit 1;; esac`,
			"-O2 -g -I/mpich", "-L/mine -Wl,-z,relro -L/mpich/lib -lmpich -Wl,--as-needed",
		},
		"Cray": {
			`case $1 in --cray-print-opts=cflags) echo -I/cray;; --cray-print-opts=libs) echo -L/cray/lib -lmpi_cray;; *) exit 1;; esac`,
			"-O2 -g -I/cray", "-L/mine -L/cray/lib -lmpi_cray -Wl,--as-needed",
		},
	} {
		wrapper := filepath.Join(t.TempDir(), "mpicc")
		if err := os.WriteFile(wrapper, []byte("#!/bin/sh\n"+c.script+"\n"), 0o777); err != nil {
			t.Fatal(err)
		}
		got, err := environ(wrapper)
		want := []string{"CGO_ENABLED=1", "CGO_CFLAGS=" + c.cflags, "CGO_LDFLAGS=" + c.ldflags}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestMPIEnvRefusesWhatIsNoWrapper(t *testing.T) {
	for wrapper, why := range map[string]string{"mpicc-that-is-not-there": "there is no mpicc-that-is-not-there", "false": "does not tell its flags"} {
		if _, err := environ(wrapper); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want that it says %q", wrapper, err, why)
		}
	}
}
