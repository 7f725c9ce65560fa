package batch

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestClockReadsTimesAsBatchSystemsWriteThem(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"5": 5 * time.Second, "0:07": 7 * time.Second, "59:30": 59*time.Minute + 30*time.Second, "24:00:00": 24 * time.Hour,
		"100:00:01": 100*time.Hour + time.Second, "1-02:03:04": 26*time.Hour + 3*time.Minute + 4*time.Second, "2-12": 60 * time.Hour,
		"": -1, "-5": -1, "1:2:3:4": -1, "an hour": -1, "1-": -1, "70000-00:00:00": -1, "1-2-3": -1,
	} {
		got, err := clock(text)
		if want < 0 && err == nil || want >= 0 && (err != nil || got != want) {
			t.Errorf("clock(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

// TestCurrentIsWhatTheBatchSystemSays has the texts of Slurm as a Slurm prints them, and those of the others as their manuals describe them.
func TestCurrentIsWhatTheBatchSystemSays(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.Local)
	at := func(d time.Duration) time.Time { return now.Add(d) }
	const qstat = "Job Id: 42.host\n    Job_Name = fit\n    Resource_List.walltime = 01:30:00\n    stime = Sun Nov 29 11:50:00 2026\n" +
		"    Account_Name = brain\n    Variable_List = PBS_O_HOME=/home/x,PBS_O_LANG=C,\n\tPBS_O_PATH=/bin = 3\n"
	for name, c := range map[string]struct {
		env, out string
		asked    string // the command
		want     Job
		fails    bool
	}{
		"alone":          {},
		"Slurm":          {"SLURM_JOB_ID=7 SLURM_JOB_ACCOUNT=brain", "59:58\n", "squeue --noheader --jobs=7 --format=%L", Job{"Slurm", "7", "brain", at(3598 * time.Second)}, false},
		"Slurm, days":    {"SLURM_JOB_ID=7", "1-00:00:00\n", "squeue", Job{"Slurm", "7", "", at(24 * time.Hour)}, false},
		"Slurm, no end":  {"SLURM_JOB_ID=7", "UNLIMITED\n", "squeue", Job{System: "Slurm", ID: "7"}, false},
		"Slurm 23":       {"SLURM_JOB_ID=7 SLURM_JOB_END_TIME=1796000000", "", "", Job{"Slurm", "7", "", time.Unix(1796000000, 0)}, false},
		"Slurm 23, none": {"SLURM_JOB_ID=7 SLURM_JOB_END_TIME=4294967294", "UNLIMITED", "squeue", Job{System: "Slurm", ID: "7"}, false},
		"Slurm, silent":  {"SLURM_JOB_ID=7", "", "squeue", Job{System: "Slurm", ID: "7"}, true},
		"PBS":            {"PBS_JOBID=42.host", qstat, "qstat -f 42.host", Job{"PBS", "42.host", "brain", at(80 * time.Minute)}, false},
		"Torque":         {"PBS_JOBID=42", strings.Replace(qstat, "stime", "start_time", 1), "qstat", Job{"PBS", "42", "brain", at(80 * time.Minute)}, false},
		"PBS, no end":    {"PBS_JOBID=42", "Job Id: 42\n", "qstat", Job{System: "PBS", ID: "42"}, false},
		"PBS, strange":   {"PBS_JOBID=42", strings.Replace(qstat, "Sun Nov", "29.", 1), "qstat", Job{System: "PBS", ID: "42", Account: "brain"}, true},
		"LSF":            {"LSB_JOBID=9 LSB_PROJECT_NAME=brain", "1:05 L\n", "bjobs -noheader -o time_left 9", Job{"LSF", "9", "brain", at(65 * time.Minute)}, false},
		"LSF, array":     {"LSB_JOBID=9 LSB_JOBINDEX=3", "0:05 L\n", "bjobs -noheader -o time_left 9[3]", Job{"LSF", "9[3]", "", at(5 * time.Minute)}, false},
		"LSF, estimate":  {"LSB_JOBID=9 LSB_JOBINDEX=0", "0:05 E\n", "bjobs", Job{System: "LSF", ID: "9"}, false},
		"LSF, no end":    {"LSB_JOBID=9", "-\n", "bjobs", Job{System: "LSF", ID: "9"}, false},
	} {
		env := map[string]string{}
		for _, v := range strings.Fields(c.env) {
			name, value, _ := strings.Cut(v, "=")
			env[name] = value
		}
		asked := ""
		job, ok, err := current(func(name string) string { return env[name] }, func(argv ...string) (string, error) {
			asked = strings.Join(argv, " ")
			return c.out, nil
		}, now)
		if job != c.want || ok != (c.env != "") || (err != nil) != c.fails || !strings.HasPrefix(asked, c.asked) || asked != "" && c.asked == "" {
			t.Errorf("%s: %+v, %v, %v after %q; want %+v after %q", name, job, ok, err, asked, c.want, c.asked)
		}
	}
}

func TestCurrentHasTheJobOfASystemThatDoesNotAnswer(t *testing.T) {
	env := func(name string) string { return map[string]string{"SLURM_JOB_ID": "7"}[name] }
	job, ok, err := current(env, func(...string) (string, error) { return "", errors.New("down") }, time.Now())
	if job.ID != "7" || !ok || err == nil || err.Error() != "batch: job 7 of Slurm: down" {
		t.Errorf("%+v, %v, %v", job, ok, err)
	}
	t.Setenv("SLURM_JOB_ID", "7")
	t.Setenv("PATH", t.TempDir())
	if _, ok, err := Current(t.Context()); !ok || err == nil || !strings.Contains(err.Error(), "squeue") {
		t.Errorf("without squeue: %v, %v", ok, err)
	}
}
