"""A worker that is an MPI program: its ranks evaluate together."""

from mpi4py import MPI

from l2l_optimizee import serve


def evaluate(params, seed):
    world = MPI.COMM_WORLD
    if seed % 5 == 0 and world.rank == 1:
        raise ValueError("rank 1 has no spikes")
    return world.allreduce((params["tau"] - 10) ** 2 / world.size) if seed % 5 else 0


serve(evaluate, comm=MPI.COMM_WORLD)
