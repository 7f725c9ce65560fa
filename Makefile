# make            builds ./l2l-mpi with the MPI of $(MPICC)
# make test       everything that a change must pass: installs what is missing, then lint, race, the tests that race leaves out, and those on real MPI,
#                 under Slurm and with engines
# make quick      the usual part: lint, and go test ./...; needs Go, Python 3.9 and a C++ compiler
# make lint       formatting, vet, staticcheck
# make race       the tests of packages with goroutines, under the race detector
# make unraced    the tests that race leaves out: so that make test has each test once
# make fuzz       every fuzz target for FUZZTIME, a number of inputs (3000x) or a time (10m)
# make vuln       known vulnerabilities in what is called, by govulncheck, whose database is on the network
# make chaos      CHAOS_CYCLES runs whose processes are killed and stopped at random, with goroutines and each of $(MPIS)
# make test-mpi   the tests on real MPI, each of $(MPIS)
# make test-slurm the tests under a Slurm of their own
# make test-browser looks at a report's page with Chromium, which it installs where it is missing
# make simulators installs the engines and the optimizers of the examples, NEST and others, from PyPI into .venv
# make test-simulators runs the examples with their engines, under the first of $(MPIS), and reads exports with pandas, polars and others
# make bench      the short benchmarks
#
# Without MPI, go alone does: go run ./cmd/l2l-mpi, go test ./...

# The compiler wrapper of the MPI to build with, e.g. MPICC=mpicc.mpich, MPICC=mpiicc (Intel), MPICC=cc (Cray).
MPICC ?= mpicc
# The MPIs to test on, each WRAPPER:LAUNCHER. On a machine that has one: make test-mpi MPIS=mpicc:mpirun
MPIS ?= mpicc.openmpi:mpirun.openmpi mpicc.mpich:mpirun.mpich

# The Python with the packages that are used where they are installed, once make install has made it.
PYTHON ?= $(shell test -x .venv/bin/python && echo $(CURDIR)/.venv/bin/python)
export PYTHON

STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: build
build:
	go run ./mpi/mpienv $(MPICC) go build -tags mpi -o l2l-mpi ./cmd/l2l-mpi
	mpi/which-mpi.sh ./l2l-mpi

.PHONY: test
test: install lint race unraced test-mpi chaos test-slurm test-browser test-simulators

.PHONY: install
install:
ifeq ($(origin MPIS),file)
	.ci/install-mpi
endif
	.ci/install-process

.PHONY: lint
lint:
	@files=$$(gofmt -l .); if [ -n "$$files" ]; then echo "gofmt would change:"; echo "$$files"; exit 1; fi
	go vet ./... && go vet -tags mpirun,slurm,simulators,browser ./...
	$(STATICCHECK) ./... && $(STATICCHECK) -tags mpirun,slurm,simulators,browser ./...

.PHONY: quick
quick: lint
	go test -timeout 40m ./...

# The packages that race is about: without those that have no goroutines (TestAlgorithmsAndModelsStartNoGoroutines), and tests that run programs they build.
RACED = $$(go list ./l2l/... ./mpi/... ./optimizee/... ./optimizer/process | grep -vE '/(e2e|functions|neuron|codec|schema|splitmix|crate|figure|page|plot|statistics)$$')

# What the detector need not watch: tests that take minutes under it for what algorithms compute, or for the programs that they start, and whose
# goroutines are those of shorter tests beside them; and what measures memory.
UNRACED = TestTrajectoriesAreThoseOfEarlierVersions|TestManualOfTheOptimizersIsUpToDate|TestGoldenRunsOfEveryFormatAreRead|TestEveryAlgorithmRunsFromItsConfiguration
UNRACED := $(UNRACED)|TestThePythonPackageKeepsItsPromises|TestRunSurvivesTwentyKindsOfFailureAndHangs|TestProcessKeepsTheContract
UNRACED := $(UNRACED)|TestEditorsRefuseWhatCheckRefuses|TestALargeAnswerTakesAFewTimesItsMemory

.PHONY: race
race: # By default a process under the detector sleeps a second before it ends, and the tests start some thousand.
	CGO_ENABLED=1 GORACE=atexit_sleep_ms=10 go test -race -timeout 40m -skip '^($(UNRACED))$$' $(RACED)

.PHONY: unraced
unraced:
	go test -timeout 40m $$(go list ./... | grep -vxF "$(RACED)")
	go test -timeout 40m -run '^($(UNRACED))$$' $(RACED)

FUZZTIME ?= 3000x

.PHONY: fuzz
fuzz: # what is found is written to testdata/fuzz of the package, where it is a seed from then on
	@grep -rE --include='*_test.go' '^func Fuzz' l2l mpi optimizee optimizer | sed -E 's|^(.*)/[^/]*:func (Fuzz[A-Za-z0-9]*).*|\1 \2|' | while read -r dir target; do \
		echo "$$dir $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x "./$$dir" || exit; done

.PHONY: vuln
vuln:
	.ci/vuln

CHAOS_CYCLES ?= 40

.PHONY: chaos
chaos: install
	go run ./bench/chaos -cycles $(CHAOS_CYCLES) -beside 2 -mpis "$(MPIS)"

.PHONY: test-mpi
test-mpi: install
	for m in $(MPIS); do go run ./mpi/mpienv $${m%:*} go vet -tags mpi ./... || exit; done
	for m in $(MPIS); do go run ./mpi/mpienv $${m%:*} $(STATICCHECK) -tags mpi ./mpi/... || exit; done
	for m in $(MPIS); do go run ./mpi/mpienv $${m%:*} go test -tags mpi -timeout 30m ./mpi/... || exit; done
	ulfm=$$(.ci/install-ulfm) && MPIS="$(MPIS)" ULFM="$$ulfm" go test -tags mpirun -count=1 -parallel 6 -timeout 60m -run 'TestRealMPI|TestTheTrajectoryIsTheSameEverywhere|TestExamplesUnderMPI|TestAnEvaluationMayBeAnMPIProgram' ./mpi ./l2l/app/e2e ./examples

.PHONY: test-slurm
test-slurm: install
	env=$$(.ci/start-slurm) && env $$env MPIS="$(MPIS)" go test -tags slurm -count=1 -parallel 16 -timeout 40m -run TestSlurm ./l2l/app/e2e ./examples

.PHONY: test-browser
test-browser:
	.ci/install-browser
	go test -tags browser -count=1 -timeout 30m -run Browser ./l2l/report/page

.PHONY: simulators
simulators:
	.ci/install-simulators

.PHONY: test-simulators
test-simulators: install simulators
	PATH="$(CURDIR)/.venv/bin:$$PATH" MPIS="$(firstword $(MPIS))" go test -tags simulators -count=1 -timeout 60m -run 'Simulat|OfPython' ./examples ./l2l/app

.PHONY: bench
bench:
	go run ./bench/dispatch
	go run ./bench/process -python $(or $(PYTHON),python3)
