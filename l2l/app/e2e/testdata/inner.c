/* A model that is an MPI program: prints (tau - 10)^2, of which each rank has its share. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
	int size;
	MPI_Init(&argc, &argv);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	double d = argc == 3 ? atof(argv[1]) - 10 : 1e9, share = d * d / size, sum = 0;
	int rank;
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Reduce(&share, &sum, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
	if (rank == 0 && size == atoi(argv[2])) printf("%.17g\n", sum);
	MPI_Finalize();
	return 0;
}
