// Package pycma runs pycma, the reference implementation of CMA-ES in Python, beside the optimizers of this project. It needs a Python with the
// packages cma and coco-experiment:
//
//	python3 -m venv pycma && pycma/bin/pip install cma coco-experiment
package pycma

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

//go:embed pycma.py
var script string

// Worker is a Python process. It is used from one goroutine at a time.
type Worker struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// Request asks for a run. Do is "solve" or "overhead".
type Request struct {
	Do       string  `json:"do"`
	Function int     `json:"function"` // of BBOB, 1 to 24
	Dim      int     `json:"dim"`
	Instance int     `json:"instance"`
	Seed     uint32  `json:"seed"`
	Budget   int     `json:"budget"` // evaluations
	Target   float64 `json:"target"` // value that solves the function
}

// Answer is the outcome of a run.
type Answer struct {
	Evaluations int     `json:"evaluations"` // until the target was reached, or all
	Solved      bool    `json:"solved"`
	Seconds     float64 `json:"seconds"` // for "overhead" the processor's, of ask and tell alone
	Population  int     `json:"population"`
}

// Start starts a worker. Settings of the environment that make OpenBLAS choose kernels for another processor than the present one are
// removed; its number of threads is its own default unless threads > 0.
func Start(python string, threads int) (*Worker, error) {
	cmd := exec.Command(python, "-c", script)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "OPENBLAS_CORETYPE=") || strings.HasPrefix(v, "OPENBLAS_L2_SIZE=")
	})
	if threads > 0 {
		cmd.Env = append(cmd.Env, fmt.Sprintf("OPENBLAS_NUM_THREADS=%d", threads))
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("pycma: %w", err)
	}
	return &Worker{cmd, in, bufio.NewReader(out)}, nil
}

// Version names the versions of pycma and of numpy.
func (w *Worker) Version() (string, error) {
	var v struct{ Version, Numpy string }
	err := w.call(map[string]string{"do": "version"}, &v)
	return fmt.Sprintf("pycma %s, numpy %s", v.Version, v.Numpy), err
}

// Run does what the request asks for.
func (w *Worker) Run(r Request) (a Answer, err error) {
	err = w.call(r, &a)
	return a, err
}

// Begin begins a search that is driven by Ask and Tell: without restarts, at x0 with step size sigma, with pycma's options.
func (w *Worker) Begin(x0 []float64, sigma float64, seed uint32, options map[string]any) error {
	var a struct{}
	return w.call(map[string]any{"do": "begin", "x0": x0, "sigma": sigma, "seed": seed, "options": options}, &a)
}

// Ask returns a generation of points.
func (w *Worker) Ask() ([][]float64, error) {
	var a struct{ Points [][]float64 }
	err := w.call(map[string]string{"do": "ask"}, &a)
	return a.Points, err
}

// Tell tells the losses of the generation that Ask has returned; stop names the rules by which the search has ended, if it has.
func (w *Worker) Tell(losses []float64) (stop string, err error) {
	var a struct{ Stop string }
	err = w.call(map[string]any{"do": "tell", "losses": losses}, &a)
	return a.Stop, err
}

func (w *Worker) call(request, answer any) error {
	b, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if _, err := w.in.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("pycma: %w", err)
	}
	line, err := w.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("pycma: the Python process has ended (are the packages cma and coco-experiment installed?): %w", err)
	}
	return json.Unmarshal(line, answer)
}

// Close ends the process.
func (w *Worker) Close() error {
	w.in.Close()
	return w.cmd.Wait()
}
