package batch

import (
	"fmt"
	"strings"
	"time"
)

// pbs is PBS, in what its kin share: the attributes are those of qstat -f, in pbs_job_attributes(7B).
type pbs struct{}

func (pbs) job(env environment) (Job, bool) {
	job := Job{System: "PBS", ID: env("PBS_JOBID"), Account: env("PBS_ACCOUNT")}
	return job, job.ID != ""
}

// cpus: OMP_NUM_THREADS and NCPUS are what PBS sets from ompthreads and ncpus of a chunk, which holds several tasks or one.
func (pbs) cpus(environment) int { return 0 }

func (pbs) ask(job *Job, command command, _ time.Time) error {
	out, err := command("qstat", "-f", job.ID)
	if err != nil {
		return err
	}
	attributes := map[string]string{}
	out = strings.NewReplacer("\r", "", "\n\t", "").Replace(out) // long values go on in the next line
	for line := range strings.Lines(out) {
		if name, value, ok := strings.Cut(line, " = "); ok {
			attributes[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	if name := attributes["Account_Name"]; name != "" {
		job.Account = name
	}
	limit, began := attributes["Resource_List.walltime"], attributes["stime"]
	if began == "" {
		began = attributes["start_time"] // Torque
	}
	if limit == "" || began == "" {
		return nil
	}
	d, err := clock(limit)
	if err != nil {
		return fmt.Errorf("qstat: Resource_List.walltime: %w", err)
	}
	start, err := time.ParseInLocation(time.ANSIC, began, time.Local)
	if err != nil {
		return fmt.Errorf("qstat: start time: %q, want one such as %s", began, time.ANSIC)
	}
	job.End = start.Add(d)
	return nil
}
