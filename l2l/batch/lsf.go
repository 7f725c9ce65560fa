package batch

import (
	"fmt"
	"strings"
	"time"
)

// lsf is IBM Spectrum LSF: the variables are those of its reference, the field that of bjobs -o.
type lsf struct{}

func (lsf) job(env environment) (Job, bool) {
	job := Job{System: "LSF", ID: env("LSB_JOBID"), Account: env("LSB_PROJECT_NAME")}
	if index := env("LSB_JOBINDEX"); job.ID != "" && index != "" && index != "0" {
		job.ID += "[" + index + "]" // of a job array, whose jobs share the number
	}
	return job, job.ID != ""
}

func (lsf) cpus(environment) int { return 0 }

func (lsf) ask(job *Job, command command, now time.Time) error {
	out, err := command("bjobs", "-noheader", "-o", "time_left", job.ID)
	if err != nil {
		return err
	}
	words := strings.Fields(out) // hours:minutes, and L for a limit; or a dash. E is an estimate, which ends no job.
	if len(words) != 2 || words[1] != "L" {
		return nil
	}
	d, err := clock(words[0] + ":00")
	if err != nil {
		return fmt.Errorf("bjobs: time_left: %w", err)
	}
	job.End = now.Add(d)
	return nil
}
