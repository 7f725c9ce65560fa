"""The peers of bench/peers in Python: evaluations of a null function, for some seconds.

    mpirun -n N python peers.py futures|libensemble|propulate DIMS CHUNK SECONDS
    python peers.py l2lforhpc DIMS INDIVIDUALS GENERATIONS

It prints what was reached per second: evaluations, of l2lforhpc generations. CHUNK evaluations travel in one message; Propulate knows no chunks.
"""

import contextlib
import os
import random
import sys
import tempfile
import time

import numpy as np


def null(x):
    return 0 * x[0]


def futures(dims, chunk, seconds):
    from mpi4py.futures import MPICommExecutor
    from mpi4py import MPI

    with MPICommExecutor(MPI.COMM_WORLD, root=0) as executor:
        if executor is None:
            return None
        xs = [np.zeros(dims)] * 4096
        list(executor.map(null, xs[:256], chunksize=chunk))
        n, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            list(executor.map(null, xs, chunksize=chunk))
            n += len(xs)
        return n / (time.perf_counter() - began)


def libensemble(dims, chunk, seconds):
    from libensemble import Ensemble
    from libensemble.specs import AllocSpecs, ExitCriteria, GenSpecs, LibeSpecs, SimSpecs
    from libensemble.alloc_funcs.give_sim_work_first import give_sim_work_first

    together = max(4 * chunk, 256)

    def generate(_, info):
        out = np.zeros(together, dtype=[("x", float, dims), ("priority", float)])
        out["priority"] = -(np.arange(together) // chunk)
        return out, info

    def evaluate(points, _):
        out = np.zeros(len(points), dtype=[("f", float)])
        out["f"] = [null(x) for x in points["x"]]
        return out

    ensemble = Ensemble(
        libE_specs=LibeSpecs(comms="mpi", disable_log_files=True, safe_mode=False, disable_resource_manager=True, save_every_k_sims=0),
        sim_specs=SimSpecs(sim_f=evaluate, inputs=["x"], out=[("f", float)]),
        gen_specs=GenSpecs(gen_f=generate, out=[("x", float, dims), ("priority", float)]),
        alloc_specs=AllocSpecs(alloc_f=give_sim_work_first, user={"num_active_gens": 1, "give_all_with_same_priority": chunk > 1}),
        exit_criteria=ExitCriteria(wallclock_max=seconds),
    )
    history, _, _ = ensemble.run()
    if not ensemble.is_manager:
        return None
    ended = np.sort(history["sim_ended_time"][history["sim_ended"]])
    return (len(ended) - 1) / (ended[-1] - ended[0])


def propulate(dims, _, seconds):
    """Each rank evaluates and breeds; all tell all others of each evaluation. How many generations take the time is found by a short run before."""
    from mpi4py import MPI
    from propulate import Propulator
    from propulate.utils import get_default_propagator

    limits = {f"x{i}": (-5.0, 5.0) for i in range(dims)}

    def timed(generations):
        rng = random.Random(1 + MPI.COMM_WORLD.rank)
        with tempfile.TemporaryDirectory() as checkpoints:
            propulator = Propulator(
                loss_fn=lambda individual: 0 * individual["x0"], propagator=get_default_propagator(16, limits, rng=rng), rng=rng,
                generations=generations, checkpoint_path=checkpoints,
            )
            MPI.COMM_WORLD.barrier()
            began = time.perf_counter()
            propulator.propulate(logging_interval=1 << 30, debug=0)
            MPI.COMM_WORLD.barrier()
            return MPI.COMM_WORLD.bcast(time.perf_counter() - began)

    first = 20
    generations = max(int(first * seconds / timed(first)), first)
    rate = MPI.COMM_WORLD.size * generations / timed(generations)
    return rate if MPI.COMM_WORLD.rank == 0 else None


def l2lforhpc(dims, individuals, generations):
    """A sum of no functions. The time between the ends of generations counts: that of the start of the workers does not."""
    from l2l.optimizees.functions.function_generator import FunctionGenerator
    from l2l.optimizees.functions.optimizee import FunctionGeneratorOptimizee
    from l2l.optimizers.evolution import GeneticAlgorithmOptimizer, GeneticAlgorithmParameters
    from l2l.utils.experiment import Experiment

    ends = []

    class Timed(GeneticAlgorithmOptimizer):
        def post_process(self, traj, fitnesses_results):
            ends.append(time.perf_counter())
            return super().post_process(traj, fitnesses_results)

    with tempfile.TemporaryDirectory() as directory:
        experiment = Experiment(root_dir_path=os.path.join(directory, "results"))
        traj, _ = experiment.prepare_experiment(
            name="peers", log_stdout=False, runner_params={"srun": "", "exec": sys.executable, "max_workers": individuals},
        )
        optimizee = FunctionGeneratorOptimizee(traj, FunctionGenerator([], dims=dims, bound=[-5.0, 5.0]), seed=1)
        parameters = GeneticAlgorithmParameters(
            seed=1, pop_size=individuals, n_iteration=int(generations), cx_prob=0.5, mut_prob=0.3, ind_prob=0.1, tourn_size=2, mate_par=0.5,
            mut_par=1,
        )
        optimizer = Timed(
            traj, optimizee_create_individual=optimizee.create_individual, optimizee_fitness_weights=(-1.0,), parameters=parameters,
            optimizee_bounding_func=optimizee.bounding_func,
        )
        experiment.run_experiment(optimizer=optimizer, optimizee=optimizee, optimizer_parameters=parameters)
        experiment.end_experiment(optimizer)
    return (len(ends) - 1) / (ends[-1] - ends[0])


if __name__ == "__main__":
    name, dims, chunk, length = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    with contextlib.redirect_stdout(sys.stderr):
        rate = globals()[name](dims, chunk, length)
    if rate is not None:
        print(rate)
