// The dispatch patterns of package dispatch, written by hand in C: what MPI allows where nothing else is done.
//
//   baseline collective|pull|one DIMS COUNT SECONDS
//
// Rounds of COUNT evaluations of DIMS coordinates, a null function, for SECONDS. "one": one by one, each in a
// message of its own, sent when the worker's one before is done. Rank 0 manages only. It prints evaluations per second.
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TASKS = 1, RESULTS, END, AHEAD = 512 };

static int rank, size, dims, count, ahead = AHEAD;

static double evaluate(const double *x) { return 0 * x[0]; }

// All evaluations to everybody, a block each, the values gathered.
static void collective(double *all, double *values) {
	MPI_Bcast(all, count * dims, MPI_DOUBLE, 0, MPI_COMM_WORLD);
	int lens[size], offsets[size], workers = size - 1;
	for (int r = 0; r < size; r++) {
		int first = r == 0 ? 0 : (long)count * (r - 1) / workers;
		int end = r == 0 ? 0 : (long)count * r / workers;
		lens[r] = end - first;
		offsets[r] = first;
	}
	double own[lens[rank] + 1];
	for (int i = 0; i < lens[rank]; i++) own[i] = evaluate(all + (long)(offsets[rank] + i) * dims);
	MPI_Gatherv(own, lens[rank], MPI_DOUBLE, values, lens, offsets, MPI_DOUBLE, 0, MPI_COMM_WORLD);
}

// Chunks on demand: a worker holds at most AHEAD evaluations and is topped up when half of them are done; chunks shrink towards the end.
static void manage(const double *all, double *values) {
	int workers = size - 1, next = 0, done = 0, held[size];
	double *answer = malloc(sizeof(double) * (2 * AHEAD + 1));
	memset(held, 0, sizeof held);
	while (done < count) {
		for (int r = 1; r < size && next < count; r++) {
			while (next < count && 2 * held[r] <= ahead && held[r] < ahead) {
				int n = (count - next + 2 * workers - 1) / (2 * workers);
				if (n > ahead - held[r]) n = ahead - held[r];
				MPI_Send(all + (long)next * dims, n * dims, MPI_DOUBLE, r, next, MPI_COMM_WORLD);
				held[r] += n;
				next += n;
			}
		}
		MPI_Status status;
		int n;
		MPI_Recv(answer, 2 * AHEAD, MPI_DOUBLE, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &status);
		MPI_Get_count(&status, MPI_DOUBLE, &n);
		memcpy(values + status.MPI_TAG, answer, n * sizeof(double));
		held[status.MPI_SOURCE] -= n;
		done += n;
	}
	free(answer);
}

static void work(double *tasks) {
	double values[2 * AHEAD];
	for (;;) {
		MPI_Status status;
		int n;
		MPI_Recv(tasks, AHEAD * dims, MPI_DOUBLE, 0, MPI_ANY_TAG, MPI_COMM_WORLD, &status);
		MPI_Get_count(&status, MPI_DOUBLE, &n);
		if (n == 0) return;
		n /= dims;
		for (int i = 0; i < n; i++) values[i] = evaluate(tasks + (long)i * dims);
		MPI_Send(values, n, MPI_DOUBLE, 0, status.MPI_TAG, MPI_COMM_WORLD);
	}
}

int main(int argc, char **argv) {
	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	if (argc != 5 || size < 2) {
		if (rank == 0) fprintf(stderr, "usage: mpirun -n 2… baseline collective|pull|one DIMS COUNT SECONDS\n");
		MPI_Abort(MPI_COMM_WORLD, 2);
	}
	int together = strcmp(argv[1], "collective") == 0;
	if (strcmp(argv[1], "one") == 0) ahead = 1;
	dims = atoi(argv[2]);
	count = atoi(argv[3]);
	double seconds = atof(argv[4]);
	double *all = calloc((long)count * dims, sizeof(double)), *values = calloc(count, sizeof(double));

	MPI_Barrier(MPI_COMM_WORLD);
	double began = MPI_Wtime(), elapsed = 0;
	long rounds = 0;
	if (!together && rank > 0) {
		work(all);
	} else {
		for (int more = 1; more;) {
			if (together) collective(all, values); else manage(all, values);
			rounds++;
			elapsed = MPI_Wtime() - began;
			more = elapsed < seconds;
			if (together) MPI_Bcast(&more, 1, MPI_INT, 0, MPI_COMM_WORLD);
		}
		for (int r = 1; !together && r < size; r++) MPI_Send(NULL, 0, MPI_DOUBLE, r, 0, MPI_COMM_WORLD);
	}
	if (rank == 0) printf("%.0f\n", rounds * (double)count / elapsed);
	MPI_Finalize();
	return 0;
}
