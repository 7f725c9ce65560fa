package batch

import (
	"fmt"
	"strings"
	"time"
)

// slurm is Slurm: the variables are those of srun(1) and sbatch(1), the fields those of squeue(1).
type slurm struct{}

func (slurm) job(env environment) (Job, bool) {
	job := Job{System: "Slurm", ID: env("SLURM_JOB_ID"), Account: env("SLURM_JOB_ACCOUNT")}
	if end := env.number("SLURM_JOB_END_TIME"); end > 0 && end < unlimited { // from version 23.02 on
		job.End = time.Unix(end, 0)
	}
	return job, job.ID != ""
}

// unlimited is more than the seconds that any job ends at: Slurm writes numbers near 2³² where there is no end.
const unlimited = 1<<32 - 1<<16

func (slurm) cpus(env environment) int { return int(env.number("SLURM_CPUS_PER_TASK")) }

func (slurm) ask(job *Job, command command, now time.Time) error {
	if !job.End.IsZero() {
		return nil
	}
	const left = "%L" // relative, so that time zones do not matter
	out, err := command("squeue", "--noheader", "--jobs="+job.ID, "--format="+left)
	if err != nil {
		return err
	}
	switch text := strings.TrimSpace(out); text {
	case "UNLIMITED", "NOT_SET", "INVALID":
		return nil
	default:
		d, err := clock(text)
		if err != nil {
			return fmt.Errorf("squeue: time left: %w", err)
		}
		job.End = now.Add(d)
		return nil
	}
}
