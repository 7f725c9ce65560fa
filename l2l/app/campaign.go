package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/meta-optimization/l2l-mpi/l2l/campaign"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
)

func (s *session) campaignCommand() *cobra.Command {
	var o runOptions
	var check bool
	cmd := &cobra.Command{
		Use:   "campaign FILE",
		Short: "Run several runs, one after the other: seeds, optimizers, settings",
		Long: "Runs several runs, one after the other, on all ranks, each in a directory of its own, and writes a report that compares them. The file says\n" +
			"which:\n\n" +
			"  base: run.yaml                                       # or a section with the keys of a configuration\n" +
			"  vary: {optimizer: [{type: cmaes}, {type: lshade}]}   # each with each\n" +
			"  seeds: 5                                             # or a list\n" +
			"  output: {dir: runs/sweep}\n\n" +
			"(l2l-mpi describe campaign tells of all keys.) One that fails does not end the others. An interruption, or the end of a wall time, ends the\n" +
			"campaign; --resume goes on with the run that was interrupted, and begins those that wait. The exit code is that of a run: 75 while some are to\n" +
			"be resumed or wait, and otherwise 1 if one has failed.",
		Example: "  l2l-mpi campaign sweep.yaml --check\n  mpirun -n 4 l2l-mpi campaign sweep.yaml --resume",
		Args:    operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.config = args[0]
			if check {
				_, members, err := o.readCampaign(s.kinds)
				if err != nil {
					return usage(err)
				}
				return listMembers(cmd.OutOrStdout(), members)
			}
			return s.campaign(cmd.Context(), o)
		},
	}
	cmd.Flags().StringArrayVar(&o.set, "set", nil, "change a value of the base: `key.path=value`; may be repeated")
	cmd.Flags().BoolVar(&o.resume, "resume", false, "go on with a campaign that has begun, or begin it")
	cmd.Flags().BoolVar(&check, "check", false, "only check all runs, and list them; with --resume, as they stand")
	addShowFlags(cmd, &o)
	return cmd
}

// readCampaign reads the campaign that the command line asks for, and where it stands.
func (o runOptions) readCampaign(kinds config.Kinds) (dir string, members []campaign.Member, err error) {
	dir, list, err := config.LoadCampaign(o.config, o.set, kinds)
	if err == nil {
		members, err = campaign.Check(list, o.resume)
	}
	return dir, members, err
}

// listMembers writes a line for each run of a campaign.
func listMembers(w io.Writer, members []campaign.Member) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, m := range members {
		fmt.Fprintf(t, "%s\t%s\tseed %d\t%s\n", m.Plan.Output.Dir, m.Plan.Optimizer.Name, m.Plan.Seed, m.State)
	}
	fmt.Fprintf(t, "%s\n", count(members))
	return t.Flush()
}

// count is how many of the members are in each state.
func count(members []campaign.Member) string {
	text := report.Count(int64(len(members)), "run")
	between := ": "
	for _, state := range []report.State{report.Finished, report.Failed, report.Interrupted, report.Crashed, report.Running, campaign.Waiting} {
		n := 0
		for _, m := range members {
			if m.State == state {
				n++
			}
		}
		if n > 0 {
			text += fmt.Sprintf("%s%d %s", between, n, state)
			between = ", "
		}
	}
	return text
}

// campaign is a campaign, on every rank: rank 0 reads the file.
func (s *session) campaign(ctx context.Context, o runOptions) error {
	return s.onEveryRank(ctx, campaign.Follow, func(comm mpi.Comm) ([]int, error) { return s.leadCampaign(ctx, comm, o, os.Stdout) })
}

// leadCampaign is a campaign on rank 0. What becomes of each run is told as it ends.
func (s *session) leadCampaign(ctx context.Context, comm mpi.Comm, o runOptions, stdout io.Writer) (lost []int, err error) {
	level, err := o.level()
	var dir string
	var members []campaign.Member
	if err == nil {
		dir, members, err = o.readCampaign(s.kinds)
	}
	if err != nil {
		return nil, errors.Join(usage(err), campaign.CallOff(comm))
	}
	ctx, stop := interruptible(ctx, s.abort)
	defer stop()
	shown := o.screen()
	options := append([]run.Option{run.Log(console(shown), level), run.CommandLine(os.Args)}, o.progress(shown)...)
	lost, err = campaign.Run(ctx, comm, members, o.resume, func(m campaign.Member) {
		shown.end()
		tellMember(stdout, m)
	}, options...)
	if err != nil && !errors.Is(err, campaign.ErrLost) {
		return lost, coded(err)
	}
	fmt.Fprintf(stdout, "\n%s; all are in %s\n", count(members), dir)
	concluded := s.concludes(stdout, o.config, dir, members)
	if concluded == nil {
		return lost, nil // as a run that has lost ranks ends: with its code
	}
	return lost, errors.Join(err, concluded) // the code is that of what it has come to
}

// tellMember says how a run of a campaign ended.
func tellMember(w io.Writer, m campaign.Member) {
	if m.Err != nil {
		fmt.Fprintf(w, "%s: failed: %v\n", m.Name, m.Err)
		return
	}
	r := m.Result
	reason, _, _ := strings.Cut(r.Reason.String(), "; tried were ") // which is in the run's directory
	fmt.Fprintf(w, "%s: %s; %s, %v", m.Name, reason, report.Count(r.Evaluations, "evaluation"), r.Elapsed.Round(10*time.Millisecond))
	switch {
	case len(r.Front) > 0:
		fmt.Fprintf(w, ", %d on the front", len(r.Front))
	case r.Best != nil:
		fmt.Fprintf(w, ", best %s", report.FitnessText(m.Plan.Objectives, r.Best.Fitness))
	}
	fmt.Fprintln(w)
}

// concludes writes the report of a campaign that has come to its end, and returns what exit code it means.
func (s *session) concludes(w io.Writer, file, dir string, members []campaign.Member) error {
	var finished []string
	failed := 0
	for _, m := range members {
		switch {
		case m.State == report.Finished:
			finished = append(finished, m.Plan.Output.Dir)
		case m.State == report.Failed:
			failed++
		case m.State == report.Stopped:
			return failure{exitStopped, fmt.Errorf("%s was told to stop; go on with l2l-mpi campaign %s --resume", m.Name, file)}
		default:
			return failure{exitInterrupted, fmt.Errorf("go on with l2l-mpi campaign %s --resume", file)}
		}
	}
	if len(finished) > 0 {
		if err := s.writeReport(w, filepath.Join(dir, "report.html"), finished); err != nil {
			fmt.Fprintf(w, "there is no report: %v\n", err)
		}
	}
	if failed > 0 {
		return failure{exitFailed, fmt.Errorf("%s failed", report.Count(int64(failed), "run"))}
	}
	return nil
}

// writeReport writes the report of some runs.
func (s *session) writeReport(w io.Writer, file string, dirs []string) error {
	doc, err := document(dirs, s.kinds)
	if err != nil {
		return err
	}
	if err := writeTo(file, w, doc.Write); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s: %d figures\n", file, doc.Figures())
	return err
}
