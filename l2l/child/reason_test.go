package child

import (
	"fmt"
	"strings"
	"testing"
)

// stack are the lines of a Java stack trace, without its first one.
var stack = strings.Repeat("\tat org.nlogo.nvm.Procedure.run(Procedure.scala:12)\n", 9000)

// Texts as programs print them: Python 3.11, NEST 3.10, NEURON 9.0 and 7.8, Go 1.26, OpenJDK 17, GCC 12, and the forms that the manuals of R, MATLAB,
// Octave and Julia show.
var lastWords = map[string]struct{ stderr, stdout, want string }{
	"Python": {`Traceback (most recent call last):
  File "/model.py", line 9, in <module>
    evaluate()
    ^^^^^^^^^^
  File "/model.py", line 6, in evaluate
    raise RuntimeError("simulator diverged")
RuntimeError: simulator diverged
`, "", "RuntimeError: simulator diverged"},
	"Python, a chain with a message of two lines": {`model.py:3: DeprecationWarning: an error? no
Traceback (most recent call last):
  File "chain.py", line 3, in f
    try: g()
         ^^^
KeyError: 'tau'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "chain.py", line 5, in <module>
    f()
RuntimeError: simulator diverged
at t = 3 ms
`, "", "RuntimeError: simulator diverged"},
	"Python, a group": {`  + Exception Group Traceback (most recent call last):
  |   File "group.py", line 1, in <module>
  |     raise ExceptionGroup("two runs", [ValueError("no spikes"), TypeError("not a number")])
  | ExceptionGroup: two runs (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | ValueError: no spikes
    +---------------- 2 ----------------
    | TypeError: not a number
    +------------------------------------
`, "", "ExceptionGroup: two runs (2 sub-exceptions)"},
	"Python, a mistake in the source": {`  File "syn.py", line 1
    def f(:
          ^
SyntaxError: invalid syntax
`, "", "SyntaxError: invalid syntax"},
	"Python, a crash": {`Fatal Python error: Segmentation fault

Current thread 0x00007f1c2a5ff740 (most recent call first):
  File "model.py", line 3 in evaluate
  File "model.py", line 9 in <module>
`, "", "Fatal Python error: Segmentation fault"},
	"Python, ended while it hangs": {`step 4000: no error
Current thread 0x00007f1c2a5ff740 (most recent call first):
  File "/a b/model.py", line 3 in hang
  File "/a b/model.py", line 9 in <module>
`, "", "at /a b/model.py:3, in hang"},
	"Python, in colours": {"\x1b[1;35mTraceback (most recent call last):\r\n  File \x1b[35m\"m.py\"\x1b[0m\r\n\x1b[1;31mValueError\x1b[0m: \x1b[35mno spikes\x1b[0m\r\n", "",
		"ValueError: no spikes"},
	"NEST": {`Traceback (most recent call last):
  File "nestbad2.py", line 5, in <module>
    n.C_m = -3.0
    ^^^^^
  File "nestkernel_api.pyx", line 614, in nestkernel_api.llapi_set_nc_status
NESTErrors.BadProperty: Setting status of a 'iaf_psc_alpha' with node ID 1: Capacitance must be > 0.
`, "\n             -- N E S T --\n", "NESTErrors.BadProperty: Setting status of a 'iaf_psc_alpha' with node ID 1: Capacitance must be > 0."},
	"NEST 2, its own interpreter": {"", `
Mar 12 14:12:31 NodeManager::prepare_nodes [Info]: 
    Preparing 1 node for simulation.

Mar 12 14:12:32 SimulationManager::set_status [Error]: 
    Temporal resolution and precision cannot be changed after nodes have been 
    created.
`, "SimulationManager::set_status: Temporal resolution and precision cannot be changed after nodes have been"},
	"NEURON, hoc": {`/usr/bin/nrniv: sqrt argument out of domain
 in nrn3.hoc near line 1
 x = sqrt(-1)
             ^
hoc_run1: caught exception: hoc_execerror: sqrt argument out of domain
`, "", "NEURON: sqrt argument out of domain"},
	"NEURON 7 beneath Python": {`NEURON: division by zero
 near line 1
 x = 1/0
        ^
Traceback (most recent call last):
  File "nrn1.py", line 2, in <module>
    h("x = 1/0")
RuntimeError: hoc error
`, "", "NEURON: division by zero"},
	"NEURON 9 beneath Python": {`NEURON: diverged at t
 near line 0
 proc f() { execerror("diverged", "at t") }
                                           ^
Traceback (most recent call last):
  File "nrn2.py", line 3, in <module>
    h.f()
RuntimeError: hocobj_call error: hoc_execerror: diverged at t
`, "", "RuntimeError: hocobj_call error: hoc_execerror: diverged at t"},
	"Go": {`step 3
panic: runtime error: index out of range [3] with length 3

goroutine 1 [running]:
main.main()
	/model.go:5 +0x1d
exit status 2
`, "", "panic: runtime error: index out of range [3] with length 3"},
	"Go, out of memory": {"fatal error: runtime: out of memory\n\nruntime stack:\n", "", "fatal error: runtime: out of memory"},
	"Rust": {"thread 'main' panicked at src/main.rs:2:5:\nno spikes\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n", "",
		"src/main.rs:2:5: no spikes"},
	"Java, 450 kB": {"WARNING: reading the settings\njava.lang.RuntimeException: Nothing named FOOD has been defined.\n" + stack, "",
		"java.lang.RuntimeException: Nothing named FOOD has been defined."},
	"Java, a chain": {`Exception in thread "main" java.lang.RuntimeException: cannot load 2
	at A.f(A.java:1)
Caused by: java.lang.RuntimeException: cannot load 1
	at A.f(A.java:1)
	... 10 more
Caused by: java.lang.IllegalStateException: weights must be finite
	at A.f(A.java:1)
	... 10 more
`, "", `Exception in thread "main" java.lang.RuntimeException: cannot load 2, caused by java.lang.IllegalStateException: weights must be finite`},
	"Java, out of memory": {"java.lang.OutOfMemoryError: Java heap space\n", "", "java.lang.OutOfMemoryError: Java heap space"},
	"NetLogo":             {"", "\"[run number]\",\"[step]\"\n\"1\",\"0\"\n", ""},
	"NetLogo, an error":   {"Run #1, RUNTIME ERROR: The file params.csv cannot be found\n", "", "Run #1, RUNTIME ERROR: The file params.csv cannot be found"},
	"C++": {"terminate called after throwing an instance of 'std::runtime_error'\n  what():  simulator diverged\nAborted (core dumped)\n", "",
		"std::runtime_error: simulator diverged"},
	"C++, no exception of the library's": {"terminate called after throwing an instance of 'int'\n", "", "terminate called after throwing an instance of 'int'"},
	"C":                                  {"a: a.cpp:4: int main(int, char**): Assertion `dt > 0' failed.\nAborted\n", "", "a: a.cpp:4: int main(int, char**): Assertion `dt > 0' failed."},
	"AddressSanitizer": {"=================================================================\n==17==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000010\n", "",
		"ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000010"},
	"R":              {"Error in simulate(tau) : tau must be positive\nCalls: main -> simulate\nExecution halted\n", "", "Error in simulate(tau): tau must be positive"},
	"R, folded":      {"Error in simulate(tau, rate, weights, delay) : \n  tau must be positive\nExecution halted\n", "", "Error in simulate(tau, rate, weights, delay): tau must be positive"},
	"R, at the top":  {"Error: object 'tau' not found\nExecution halted\n", "", "Error: object 'tau' not found"},
	"Julia":          {"ERROR: LoadError: DomainError with -1.0:\nsqrt was called with a negative real argument\nStacktrace:\n [1] throw_complex_domainerror\n", "", "ERROR: LoadError: DomainError with -1.0:"},
	"Octave":         {"error: simulator diverged\nerror: called from\n    simulate at line 2 column 3\n", "", "error: simulator diverged"},
	"MATLAB":         {"Error using simulate (line 2)\nsimulator diverged\n\nError in run (line 10)\nsimulate(tau)\n", "", "Error using simulate (line 2): simulator diverged"},
	"MATLAB, a name": {"Unrecognized function or variable 'tau'.\n\nError in run (line 1)\n", "", "Unrecognized function or variable 'tau'."},
	"a log":          {"12:00 [info] begins\n12:01 [ERROR] dt is too large\n12:01 [info] ends\n", "error 3.5\n", "12:01 [ERROR] dt is too large"},
	"nothing":        {"step 1\nstep 2\n", "error 3.5\n", ""},
	"a long line":    {"", "Traceback (most recent call last):\nValueError: " + strings.Repeat("é", 1000), "ValueError: " + strings.Repeat("é", 288) + "…"},
}

func TestTheLineThatTellsWhatHasGoneWrongIsFound(t *testing.T) {
	for name, c := range lastWords {
		if got := (said{readable([]byte(c.stdout)), readable([]byte(c.stderr))}).telling(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	for text, want := range map[said]string{
		{stderr: "no licence\n\n----\n", stdout: "x"}: "no licence", {stdout: " 10 %\r 20 %\r"}: "20 %", {stderr: "\n \n", stdout: "only this\n"}: "only this", {}: "",
	} {
		if got := (said{readable([]byte(text.stdout)), readable([]byte(text.stderr))}).final(); got != want {
			t.Errorf("the last line of %q is %q, want %q", text, got, want)
		}
	}
}

func TestAnExcerptHasTheFirstAndTheLastLines(t *testing.T) {
	var lines []string
	for i := range 1000 {
		lines = append(lines, fmt.Sprintf("line %d", i))
	}
	got := excerptOf(strings.Join(lines, "\n"))
	if want := strings.Join(lines[:6], "\n") + "\n…\n" + strings.Join(lines[986:], "\n"); got != want {
		t.Errorf("of many lines: %q", got)
	}
	if got := excerptOf("\n" + strings.Join(lines[:20], "\n")); got != strings.Join(lines[:20], "\n") {
		t.Errorf("of few lines: %q", got)
	}
	if got := excerptOf(strings.Repeat("x", 1<<20)); len(got) > 3010 || !strings.Contains(got, "\n…\n") {
		t.Errorf("of one long line: %d bytes", len(got))
	}
}
