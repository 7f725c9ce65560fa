# make            builds ./l2l-mpi with the MPI of $(MPICC)
# make test-mpi   tests package mpi on real MPI, each of $(MPIS)
#
# Without MPI, go alone does: go run ./cmd/l2l-mpi, go test ./...

# The compiler wrapper of the MPI to build with, e.g. MPICC=mpicc.mpich, MPICC=mpiicc (Intel), MPICC=cc (Cray).
MPICC ?= mpicc
# The MPIs to test on, each WRAPPER:LAUNCHER. On a machine that has one: make test-mpi MPIS=mpicc:mpirun
MPIS ?= mpicc.openmpi:mpirun.openmpi mpicc.mpich:mpirun.mpich

.PHONY: build
build:
	mpi/mpienv.sh $(MPICC) go build -tags mpi -o l2l-mpi ./cmd/l2l-mpi
	mpi/which-mpi.sh ./l2l-mpi

.PHONY: test-mpi
test-mpi:
ifeq ($(origin MPIS),file)
	.ci/install-mpi
endif
	for m in $(MPIS); do mpi/mpienv.sh $${m%:*} go vet -tags mpi ./... || exit; done
	for m in $(MPIS); do mpi/mpienv.sh $${m%:*} go test -tags mpi ./mpi/... || exit; done
	MPIS="$(MPIS)" go test -tags mpirun -count=1 -run TestRealMPI -v ./mpi
